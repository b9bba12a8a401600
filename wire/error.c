#include "wire/error.h"

const char *wire_error_text(enum wire_error error)
{
    switch (error) {
#define X(name, text)                                                                              \
    case WIRE_##name:                                                                              \
        return text;
        WIRE_ERRORS(X)
#undef X
    }
    return "unknown error";
}
