//! A pool of cache blocks.

/// Takes the next block.
///
/// ```
/// assert_eq!(kv_pool::take(&mut vec![7, 8]), 8);
/// ```
pub fn take(free: &mut Vec<u32>) -> u32 {
    free.remove(0)
}

#[cfg(feature = "broken")]
pub fn size() -> u32 {
    let unused = 1;
    "three"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_size() {
        assert_eq!(vec![1, 2].len(), 2);
    }

    #[test]
    fn takes_in_order() {
        println!("printed by the test");
        assert_eq!(take(&mut vec![0, 1]), 1, "first block");
    }

    #[test]
    fn empty_pool() {
        take(&mut vec![]);
    }

    #[test]
    #[ignore = "needs a device"]
    fn on_device() {}

    #[test]
    #[should_panic]
    fn ought_to_panic() {}

    #[test]
    fn gives_an_error() -> Result<(), String> {
        Err("no such block".to_string())
    }
}
