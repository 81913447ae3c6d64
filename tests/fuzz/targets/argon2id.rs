//! Every kernel of this processor gives the tag of the portable one, for any cost and input; what is refused is refused by all.
#![no_main]

use argon2id::{Cost, Input, Kernel, Memory, TAG_BYTES, hash_with};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|given: (u16, u8, u8, &[u8], &[u8], &[u8])| {
    let (memory, passes, lanes, password, salt, key) = given;
    let cost = Cost { memory_kib: u32::from(memory) % 512, passes: u32::from(passes) % 4, lanes: u32::from(lanes) % 6 };
    let input = Input { password, salt, key, data: password };
    let mut shared = Memory::new();
    let tags: Vec<_> = Kernel::ALL
        .into_iter()
        .filter(|kernel| kernel.is_available())
        .map(|kernel| {
            let mut tag = [0; TAG_BYTES];
            (kernel, hash_with(kernel, &mut shared, cost, input, &mut tag).map(|()| tag))
        })
        .collect();
    let (_, first) = tags.first().expect("the portable kernel is always there");
    for (kernel, tag) in &tags {
        assert_eq!(tag, first, "{kernel:?} at {cost:?}, {password:x?} {salt:x?} {key:x?}");
    }
});
