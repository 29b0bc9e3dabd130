//! Access to the state that the layers keep in thread-local cells.

use std::cell::RefCell;
use std::thread::LocalKey;

/// Runs `act` on a thread-local value. Returns None while the thread is being destroyed.
///
/// Using a value inside its own `act` is a bug. Debug builds and tests panic. A release build returns None, because a
/// panic ends the whole process.
#[track_caller]
pub(crate) fn with<T, R>(key: &'static LocalKey<RefCell<T>>, act: impl FnOnce(&mut T) -> R) -> Option<R> {
    let act = |cell: &RefCell<T>| match cell.try_borrow_mut() {
        Ok(mut value) => Some(act(&mut value)),
        Err(_) => {
            debug_assert!(false, "{} is used inside its own closure", std::any::type_name::<T>());
            None
        }
    };
    key.try_with(act).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static VALUE: RefCell<u32> = const { RefCell::new(0) };
    }

    #[test]
    fn the_value_is_kept_between_uses() {
        assert_eq!(with(&VALUE, |value| *value = 7), Some(()));
        assert_eq!(with(&VALUE, |value| *value), Some(7));
    }

    // A panic ends the whole test process in WasmEdge.
    #[cfg(not(target_os = "wasi"))]
    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "u32 is used inside its own closure"))]
    fn re_entry_panics_in_a_debug_build_and_is_refused_in_a_release_build() {
        let inner = with(&VALUE, |_| with(&VALUE, |value| *value));
        assert_eq!(inner, Some(None));
    }
}
