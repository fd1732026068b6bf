//! The system calls a container may make: data, by what they are for.
//!
//! Names are checked against `libc` by the compiler. What is missing is missing on purpose: mounting
//! and namespaces, kernel modules, keyrings, `bpf`, `perf_event_open`, `userfaultfd`, `io_uring` (a
//! long record of holes, left out by Docker since 2023 too), the clock, `kcmp`, `open_by_handle_at`,
//! NUMA placement, swap, reboot, accounting. [`super`] adds those that depend on arguments.

/// Makes `(name, number)` pairs of `libc`'s constants, the name without its `SYS_`.
macro_rules! calls {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

/// Calls of every architecture.
pub(super) const EVERYWHERE: &[(&str, libc::c_long)] = calls! {
    // files: contents
    SYS_read SYS_write SYS_readv SYS_writev SYS_pread64 SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2
    SYS_pwritev2 SYS_lseek SYS_sendfile SYS_splice SYS_tee SYS_vmsplice SYS_copy_file_range SYS_readahead
    SYS_fadvise64 SYS_fallocate SYS_ftruncate SYS_truncate SYS_fsync SYS_fdatasync SYS_sync SYS_syncfs
    SYS_flock SYS_fcntl SYS_ioctl
    // files: names
    SYS_openat SYS_openat2 SYS_close SYS_close_range SYS_dup SYS_dup3 SYS_getcwd SYS_chdir SYS_fchdir
    SYS_mkdirat SYS_mknodat SYS_unlinkat SYS_renameat2 SYS_linkat SYS_symlinkat
    SYS_readlinkat SYS_getdents64 SYS_umask SYS_name_to_handle_at
    // files: attributes
    SYS_fstat SYS_newfstatat SYS_statx SYS_statfs SYS_fstatfs SYS_faccessat SYS_faccessat2 SYS_fchmod
    SYS_fchmodat SYS_fchown SYS_fchownat SYS_utimensat SYS_getxattr SYS_lgetxattr SYS_fgetxattr
    SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_listxattr SYS_llistxattr SYS_flistxattr SYS_removexattr
    SYS_lremovexattr SYS_fremovexattr
    // waiting for files
    SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_ppoll SYS_pselect6 SYS_eventfd2
    SYS_signalfd4 SYS_timerfd_create SYS_timerfd_gettime SYS_timerfd_settime SYS_inotify_init1
    SYS_inotify_add_watch SYS_inotify_rm_watch SYS_fanotify_mark SYS_io_setup SYS_io_destroy
    SYS_io_submit SYS_io_cancel SYS_io_getevents
    // pipes, sockets, queues, shared memory, semaphores
    SYS_pipe2 SYS_socketpair SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect SYS_shutdown
    SYS_getsockname SYS_getpeername SYS_getsockopt SYS_setsockopt SYS_sendto SYS_recvfrom SYS_sendmsg
    SYS_recvmsg SYS_sendmmsg SYS_recvmmsg SYS_mq_open SYS_mq_unlink SYS_mq_notify SYS_mq_getsetattr
    SYS_mq_timedsend SYS_mq_timedreceive SYS_msgget SYS_msgctl SYS_msgsnd SYS_msgrcv SYS_semget
    SYS_semctl SYS_semop SYS_semtimedop SYS_shmget SYS_shmat SYS_shmdt SYS_shmctl
    // memory
    SYS_brk SYS_mmap SYS_munmap SYS_mremap SYS_mprotect SYS_madvise SYS_mincore SYS_msync SYS_mlock
    SYS_mlock2 SYS_mlockall SYS_munlock SYS_munlockall SYS_remap_file_pages SYS_memfd_create
    SYS_membarrier SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_process_mrelease
    // processes and threads
    SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_getpid SYS_getppid
    SYS_gettid SYS_set_tid_address SYS_setpgid SYS_getpgid SYS_setsid SYS_getsid SYS_futex
    SYS_futex_waitv SYS_get_robust_list SYS_set_robust_list SYS_rseq SYS_prctl SYS_ptrace
    SYS_process_vm_readv SYS_process_vm_writev SYS_seccomp SYS_landlock_create_ruleset
    SYS_landlock_add_rule SYS_landlock_restrict_self SYS_restart_syscall SYS_pidfd_open
    // signals
    SYS_kill SYS_tkill SYS_tgkill SYS_pidfd_send_signal SYS_rt_sigaction SYS_rt_sigpending
    SYS_rt_sigprocmask SYS_rt_sigqueueinfo SYS_rt_sigreturn SYS_rt_sigsuspend SYS_rt_sigtimedwait
    SYS_rt_tgsigqueueinfo SYS_sigaltstack
    // users and capabilities (there are none to gain)
    SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid SYS_getresgid SYS_getgroups SYS_setuid
    SYS_setgid SYS_setreuid SYS_setregid SYS_setresuid SYS_setresgid SYS_setfsuid SYS_setfsgid
    SYS_setgroups SYS_capget SYS_capset
    // scheduling and limits
    SYS_sched_yield SYS_sched_getaffinity SYS_sched_setaffinity SYS_sched_getattr SYS_sched_setattr
    SYS_sched_getparam SYS_sched_setparam SYS_sched_getscheduler SYS_sched_setscheduler
    SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_rr_get_interval SYS_getpriority
    SYS_setpriority SYS_ioprio_get SYS_ioprio_set SYS_prlimit64
    SYS_getrusage SYS_getcpu
    // time and facts
    SYS_clock_gettime SYS_clock_getres SYS_clock_nanosleep SYS_clock_adjtime SYS_adjtimex
    SYS_gettimeofday SYS_nanosleep SYS_times SYS_getitimer SYS_setitimer SYS_timer_create
    SYS_timer_delete SYS_timer_getoverrun SYS_timer_gettime SYS_timer_settime SYS_uname SYS_sysinfo
    SYS_getrandom
};

/// Calls that only x86-64 has (older forms of those above, two of its own) or `libc` only knows here.
#[cfg(target_arch = "x86_64")]
pub(super) const HERE: &[(&str, libc::c_long)] = calls! {
    SYS_open SYS_creat SYS_stat SYS_lstat SYS_access SYS_chmod SYS_chown SYS_lchown SYS_link SYS_symlink
    SYS_readlink SYS_unlink SYS_rename SYS_mkdir SYS_rmdir SYS_mknod SYS_getdents SYS_utime SYS_utimes
    SYS_futimesat SYS_dup2 SYS_pipe SYS_poll SYS_select SYS_epoll_create SYS_epoll_wait SYS_eventfd
    SYS_signalfd SYS_inotify_init SYS_fork SYS_vfork SYS_getpgrp SYS_pause SYS_alarm SYS_time
    SYS_renameat SYS_sync_file_range SYS_getrlimit SYS_setrlimit SYS_arch_prctl SYS_modify_ldt
};

/// Calls that `libc` does not know on 64-bit ARM.
#[cfg(target_arch = "aarch64")]
pub(super) const HERE: &[(&str, libc::c_long)] =
    &[("renameat", 38), ("sync_file_range", 84), ("getrlimit", 163), ("setrlimit", 164)];

/// Calls too new for `libc` to know on every architecture. Numbers from 424 on are the same on all.
pub(super) const NEWEST: &[(&str, libc::c_long)] = &[
    ("cachestat", 451),
    ("fchmodat2", 452),
    ("map_shadow_stack", 453),
    ("futex_wake", 454),
    ("futex_wait", 455),
    ("futex_requeue", 456),
    ("mseal", 462),
    ("setxattrat", 463),
    ("getxattrat", 464),
    ("listxattrat", 465),
    ("removexattrat", 466),
];
