/* manual: what --help prints. */
#ifndef SIM_MANUAL_H
#define SIM_MANUAL_H

extern const char manual_text[];

#endif
