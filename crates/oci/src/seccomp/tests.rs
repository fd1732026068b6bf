use std::collections::BTreeSet;

use super::*;

/// Runs the program as the kernel would, for a call with one interesting argument.
fn verdict(number: i64, argument: u64) -> u32 {
    let arch: u32 = if cfg!(target_arch = "x86_64") { 0xC000_003E } else { 0xC000_00B7 };
    let mut data = vec![];
    data.extend_from_slice(&u32::try_from(number).expect("number").to_ne_bytes());
    data.extend_from_slice(&arch.to_ne_bytes());
    data.extend_from_slice(&[0; 8]);
    data.extend_from_slice(&argument.to_ne_bytes());
    data.resize(64, 0);
    let program = program().expect("program");
    let (mut at, mut value) = (0, 0_u32);
    loop {
        let op = &program[at];
        at += 1;
        let k = op.k as usize;
        let mut jump = |taken: bool| at += usize::from(if taken { op.jt } else { op.jf });
        match op.code {
            0x20 => value = u32::from_ne_bytes(data[k..k + 4].try_into().expect("word")),
            0x54 => value &= op.k,
            0x05 => at += k,
            0x15 => jump(value == op.k),
            0x25 => jump(value > op.k),
            0x35 => jump(value >= op.k),
            0x06 => return op.k,
            other => panic!("unexpected instruction {other:#x}"),
        }
    }
}

const ALLOW: u32 = 0x7FFF_0000;
const ERRNO: u32 = 0x0005_0000;

#[test]
fn the_usual_is_allowed_and_the_dangerous_is_not() {
    for number in [libc::SYS_read, libc::SYS_execve, libc::SYS_mmap, libc::SYS_futex, libc::SYS_ptrace] {
        assert_eq!(verdict(number, 0), ALLOW, "{number}");
    }
    let refused = [
        libc::SYS_unshare,
        libc::SYS_mount,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_keyctl,
        libc::SYS_io_uring_setup,
        libc::SYS_open_by_handle_at,
        libc::SYS_kexec_load,
        libc::SYS_userfaultfd,
        libc::SYS_init_module,
        libc::SYS_perf_event_open,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
    ];
    for number in refused {
        assert_eq!(verdict(number, 0), ERRNO | libc::EPERM as u32, "{number}");
    }
}

#[test]
fn arguments_decide_where_they_must() {
    let eperm = ERRNO | libc::EPERM as u32;
    assert_eq!(verdict(libc::SYS_clone, 0x003D_0F00), ALLOW, "a thread");
    assert_eq!(verdict(libc::SYS_clone, libc::CLONE_NEWUSER as u64), eperm);
    assert_eq!(verdict(libc::SYS_clone, libc::CLONE_NEWNET as u64 | 0x11), eperm);
    assert_eq!(verdict(libc::SYS_socket, libc::AF_INET as u64), ALLOW);
    assert_eq!(verdict(libc::SYS_socket, AF_VSOCK), eperm);
    assert_eq!(verdict(libc::SYS_personality, 0), ALLOW);
    assert_eq!(verdict(libc::SYS_personality, 0xFFFF_FFFF), ALLOW);
    assert_eq!(verdict(libc::SYS_personality, 0x0040_0000), eperm, "READ_IMPLIES_EXEC");
}

#[test]
fn clone3_and_the_unknown_do_not_exist() {
    let enosys = ERRNO | libc::ENOSYS as u32;
    for number in [libc::SYS_clone3, i64::from(UNKNOWN_FROM), 9999, 0x4000_0000] {
        assert_eq!(verdict(number, 0), enosys, "{number}");
    }
    assert_eq!(verdict(i64::from(UNKNOWN_FROM) - 1, 0), ALLOW, "removexattrat");
    assert_eq!(verdict(457, 0), ERRNO | libc::EPERM as u32, "statmount");
}

#[test]
fn no_call_is_named_twice_and_both_forms_name_the_same() {
    let names: Vec<_> = allowed().map(|(name, _)| name).collect();
    let set: BTreeSet<_> = names.iter().copied().collect();
    assert_eq!(set.len(), names.len());
    let json = json();
    assert_eq!(json["syscalls"][0]["names"].as_array().map(Vec::len), Some(names.len()));
    assert!(!set.contains("clone") && !set.contains("socket") && !set.contains("personality"));
}

#[test]
fn it_is_eight_bytes_per_instruction() {
    let bytes = STANDARD.decode(bpf_base64().expect("program")).expect("base64");
    assert_eq!(bytes.len(), program().expect("program").len() * 8);
}
