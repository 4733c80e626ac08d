//! Settings of the memory allocator for `sightline local`.
//!
//! By default, glibc's allocator has up to eight heaps per core. After thousands of pictures much memory stays in them that nothing
//! uses (`bench/memory.py`). Two heaps keep far less. Blocks of up to 32 MiB come from the heaps, because the networks' tensors
//! are that large: if the kernel had to clear each of them anew, recognition would take a third longer. glibc reads these settings
//! from the environment, before the program starts. So the program starts itself again with them; the process stays the same.

/// Two heaps, whose free ends of 32 MiB and more are given back, as are larger blocks at once (mallopt(3)).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "33554432"),
];

/// Variables by which a person chooses an allocator or its settings. They are respected.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const CHOICES: [&str; 2] = ["GLIBC_TUNABLES", "LD_PRELOAD"];

/// Starts this program again with the settings, unless one of them is set. If that fails, the program continues without them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn configure() {
    use std::{env, os::unix::process::CommandExt as _, process::Command};

    if is_configured(|name| env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Returns only if it fails.
    let _ = command.args(arguments).envs(SETTINGS).exec();
}

/// Other systems' allocators are left alone.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn configure() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn is_configured(is_set: impl Fn(&str) -> bool) -> bool {
    let settings = SETTINGS.iter().map(|(name, _)| *name);
    settings.chain(CHOICES).any(is_set)
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn the_program_starts_itself_again_once_and_respects_choices() {
        assert!(!is_configured(|_| false));
        for name in ["MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD"] {
            assert!(is_configured(|set| set == name), "{name}");
        }
    }
}
