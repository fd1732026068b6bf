//! Which system calls a container may make: an allow-list as strict as Docker's default profile.
//!
//! It comes in two forms with one meaning. `crun` takes ready BPF: compiling a profile costs
//! libseccomp 15 ms of CPU in every start, here it is done in well under one. `runc` only takes the
//! profile as JSON. Refused calls answer EPERM; `clone3` (whose flags lie in memory that a filter
//! cannot read) and calls newer than this list answer ENOSYS, so that a libc falls back to the older
//! call. Programs of another architecture (32-bit x86) are ended.

mod table;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition as Condition,
    SeccompFilter, SeccompRule as Rule, TargetArch, sock_filter,
};
use serde_json::{Value, json};

/// Flags of `clone` that make namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const CLONE_NAMESPACES: u64 = 0x7E02_0000;
/// The address family that leads to the hypervisor.
const AF_VSOCK: u64 = 40;
/// Execution domains that change nothing dangerous: Linux, Linux32, either with UNAME26, and "ask".
const PERSONALITIES: [u64; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF];
/// First call number that nothing was decided about: the list ends with Linux 6.13.
const UNKNOWN_FROM: u32 = 467;

// The classic BPF instructions that are put before the compiled filter.
const LOAD_WORD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Offset of the call number in what a filter sees.
const NUMBER_AT: u32 = 0;

/// Why the filter could not be made; only a change of this module or its table can cause it.
#[derive(Debug, thiserror::Error)]
#[error("could not compile the system call filter")]
pub struct SeccompError(#[from] seccompiler::BackendError);

/// The filter as BPF in base64, as crun's annotation `run.oci.seccomp_bpf_data` takes it.
pub(crate) fn bpf_base64() -> Result<String, SeccompError> {
    let mut bytes = Vec::new();
    for instruction in program()? {
        bytes.extend_from_slice(&instruction.code.to_ne_bytes());
        bytes.extend_from_slice(&[instruction.jt, instruction.jf]);
        bytes.extend_from_slice(&instruction.k.to_ne_bytes());
    }
    Ok(STANDARD.encode(bytes))
}

/// The filter as the `linux.seccomp` of an OCI config.
pub(crate) fn json() -> Value {
    let names: Vec<&str> = allowed().map(|(name, _)| name).collect();
    let allow = |name: &str, arg: Value| json!({"names": [name], "action": "SCMP_ACT_ALLOW", "args": [arg]});
    let mut calls = vec![
        json!({"names": names, "action": "SCMP_ACT_ALLOW"}),
        json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::ENOSYS}),
        allow("socket", json!({"index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_NE"})),
        allow(
            "clone",
            json!({"index": 0, "value": CLONE_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}),
        ),
    ];
    calls.extend(
        PERSONALITIES
            .map(|value| allow("personality", json!({"index": 0, "value": value, "op": "SCMP_CMP_EQ"}))),
    );
    json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": libc::EPERM, "syscalls": calls})
}

fn program() -> Result<BpfProgram, SeccompError> {
    let mut rules: BTreeMap<i64, Vec<Rule>> = allowed().map(|(_, number)| (number, vec![])).collect();
    let argument = |op, value| Condition::new(0, Len::Dword, op, value).and_then(|c| Rule::new(vec![c]));
    rules.insert(libc::SYS_socket, vec![argument(Op::Ne, AF_VSOCK)?]);
    rules.insert(libc::SYS_clone, vec![argument(Op::MaskedEq(CLONE_NAMESPACES), 0)?]);
    let personalities: Result<_, _> = PERSONALITIES.into_iter().map(|p| argument(Op::Eq, p)).collect();
    rules.insert(libc::SYS_personality, personalities?);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, ARCH)?;
    let mut program = not_implemented();
    program.extend(BpfProgram::try_from(filter)?);
    Ok(program)
}

/// Answers ENOSYS to `clone3` and to what is newer than the list, else goes on to the next
/// instruction. Jumps in BPF are relative, so a compiled filter can follow.
fn not_implemented() -> BpfProgram {
    let enosys = u32::from(SeccompAction::Errno(libc::ENOSYS as u32));
    vec![
        sock_filter { code: LOAD_WORD, jt: 0, jf: 0, k: NUMBER_AT },
        sock_filter { code: JUMP_IF_EQUAL, jt: 1, jf: 0, k: libc::SYS_clone3 as u32 },
        sock_filter { code: JUMP_IF_AT_LEAST, jt: 0, jf: 1, k: UNKNOWN_FROM },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: enosys },
    ]
}

fn allowed() -> impl Iterator<Item = (&'static str, i64)> {
    let all = table::EVERYWHERE.iter().chain(table::HERE).chain(table::NEWEST);
    all.map(|(name, number)| (name.trim_start_matches("SYS_"), *number))
}

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

#[cfg(test)]
mod tests;
