/* flowpinctl doctor: one line for each thing that was looked at. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "core/crypto.h"
#include "core/store/store.h"

/* Look at the database: its state, triggers, rights, keys and clock. Prints a
 * line for each; *is_well becomes false for what an operator must mend. An
 * error means that something could not be looked at. */
enum err doctor_database(const struct store *store,
    const struct crypto_keys *keys, bool is_prepared, bool *is_well) MUST_CHECK;

#endif
