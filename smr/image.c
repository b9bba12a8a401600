#include "smr/image.h"

enum {
    IMAGE_FORMAT = 1,
    IMAGE_VALUES = 7
};

void smr_image_encode(const struct smr_image *image, struct wire_writer *out)
{
    wire_write_array(out, IMAGE_VALUES);
    wire_write_uint(out, IMAGE_FORMAT);
    wire_write_uint(out, image->cluster);
    wire_write_uint(out, image->group);
    wire_write_uint(out, image->applied);
    wire_write_uint(out, image->log_time_ms);
    wire_write_bin(out, image->sessions);
    wire_write_bin(out, image->part);
}

enum wire_error smr_image_decode(struct span bytes, struct smr_image *image)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct smr_image read = {0};
    wire_read_array_of(&in, IMAGE_VALUES);
    uint64_t format = wire_read_uint(&in, UINT8_MAX);
    read.cluster = wire_read_uint(&in, UINT64_MAX);
    read.group = (uint32_t)wire_read_uint(&in, UINT32_MAX);
    read.applied = wire_read_uint(&in, UINT64_MAX / 2);
    read.log_time_ms = wire_read_uint(&in, UINT64_MAX);
    read.sessions = wire_read_bin(&in, WIRE_IMAGE_BYTES_MAX);
    read.part = wire_read_bin(&in, WIRE_IMAGE_BYTES_MAX);
    if (wire_read_end(&in) != WIRE_OK || format != IMAGE_FORMAT)
        return WIRE_MALFORMED;
    *image = read;
    return WIRE_OK;
}
