#include "manual.h"
const char manual_text[] = "todo\n";
