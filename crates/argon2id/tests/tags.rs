//! Every kernel gives the tags of RFC 9106 and of the crate `argon2`, whatever its memory held before.
#![expect(clippy::unwrap_used, reason = "a helper that panics fails the test that called it")]

use proptest::prelude::*;

use vestibule_argon2id::{Cost, Error, Input, Kernel, MAX_DATA, Memory, TAG_BYTES, hash, hash_with};

fn available() -> impl Iterator<Item = Kernel> {
    Kernel::ALL.into_iter().filter(|kernel| kernel.is_available())
}

fn tag(kernel: Kernel, memory: &mut Memory, cost: Cost, input: Input<'_>) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    hash_with(kernel, memory, cost, input, &mut tag).unwrap();
    tag
}

/// What the crate `argon2` says, called directly.
fn expected(cost: Cost, input: Input<'_>) -> [u8; TAG_BYTES] {
    let mut builder = argon2::ParamsBuilder::new();
    builder.m_cost(cost.memory_kib).t_cost(cost.passes).p_cost(cost.lanes).data(argon2::AssociatedData::new(input.data).unwrap());
    let parameters = builder.build().unwrap();
    let context = argon2::Argon2::new_with_secret(input.key, argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters).unwrap();
    let mut tag = [0; TAG_BYTES];
    context.hash_password_into(input.password, input.salt, &mut tag).unwrap();
    tag
}

#[test]
fn rfc_9106_section_5_3() {
    const TAG: [u8; TAG_BYTES] = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75,
        0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ];
    let input = Input { password: &[1; 32], salt: &[2; 16], key: &[3; 8], data: &[4; 12] };
    let cost = Cost { memory_kib: 32, passes: 3, lanes: 4 };
    for kernel in available() {
        assert_eq!(tag(kernel, &mut Memory::new(), cost, input), TAG, "{kernel:?}");
    }
}

#[test]
fn the_default_parameters_of_the_server_agree() {
    let input = Input { password: b"correct horse", salt: &[7; 16], ..Input::default() };
    let cost = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };
    let expected = expected(cost, input);
    for kernel in available() {
        let mut memory = Memory::new();
        for _ in 0..2 {
            assert_eq!(tag(kernel, &mut memory, cost, input), expected, "{kernel:?}");
        }
        assert_eq!(memory.kib(), 19_456);
    }
}

#[test]
fn what_argon2_cannot_do_is_refused() {
    let mut tag = [0; TAG_BYTES];
    let mut refused = |memory_kib, passes, lanes, salt: &[u8]| {
        let input = Input { password: b"x", salt, ..Input::default() };
        hash(&mut Memory::new(), Cost { memory_kib, passes, lanes }, input, &mut tag)
    };
    for (memory, passes, lanes) in [(7, 1, 1), (8, 0, 1), (8, 1, 0), (15, 1, 2), (u32::MAX, 1, u32::MAX)] {
        assert_eq!(refused(memory, passes, lanes, &[0; 16]), Err(Error::Cost), "{memory} {passes} {lanes}");
    }
    assert_eq!(refused(8, 1, 1, &[0; 7]), Err(Error::Input));
    for kernel in available() {
        let input = Input { password: b"x", salt: &[0; 8], data: &[0; MAX_DATA + 1], ..Input::default() };
        let cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
        assert_eq!(hash_with(kernel, &mut Memory::new(), cost, input, &mut tag), Err(Error::Input), "{kernel:?}");
    }
    assert_eq!(tag, [0; TAG_BYTES]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_kernel_agrees_with_the_crate(
        lanes in 1u32..6,
        more in prop_oneof![0u32..64, 64u32..1_200],
        passes in 1u32..4,
        password in proptest::collection::vec(any::<u8>(), 0..300),
        salt in proptest::collection::vec(any::<u8>(), 8..80),
        key in proptest::collection::vec(any::<u8>(), 0..33),
        data in proptest::collection::vec(any::<u8>(), 0..33),
    ) {
        let cost = Cost { memory_kib: 8 * lanes + more, passes, lanes };
        let input = Input { password: &password, salt: &salt, key: &key, data: &data };
        let expected = expected(cost, input);
        for kernel in available() {
            let mut memory = Memory::new();
            // Left behind by another computation.
            tag(kernel, &mut memory, Cost { memory_kib: 1_400, passes: 1, lanes: 1 }, Input { password: b"other", salt: &[9; 8], ..Input::default() });
            prop_assert_eq!(tag(kernel, &mut memory, cost, input), expected, "{:?}", kernel);
        }
    }
}
