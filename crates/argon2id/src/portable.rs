//! The kernel of every processor: the crate `argon2`.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};

use crate::{Cost, Error, Input, Memory, TAG_BYTES};

pub(crate) fn run(memory: &mut Memory, cost: Cost, input: &Input<'_>, tag: &mut [u8; TAG_BYTES]) -> Result<(), Error> {
    let mut builder = ParamsBuilder::new();
    builder.m_cost(cost.memory_kib).t_cost(cost.passes).p_cost(cost.lanes).output_len(TAG_BYTES);
    if !input.data.is_empty() {
        builder.data(AssociatedData::new(input.data).map_err(|_| Error::Input)?);
    }
    let parameters = builder.build().map_err(|_| Error::Cost)?;
    let blocks = memory.blocks(parameters.block_count())?;
    let context = if input.key.is_empty() {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
    } else {
        Argon2::new_with_secret(input.key, Algorithm::Argon2id, Version::V0x13, parameters).map_err(|_| Error::Input)?
    };
    context.hash_password_into_with_memory(input.password, input.salt, tag, blocks).map_err(|_| Error::Input)
}
