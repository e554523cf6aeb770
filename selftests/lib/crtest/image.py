# SPDX-License-Identifier: GPL-2.0
"""Images as bytes: where the records are, and how to change them (cr_image.h)."""

import struct

HEADER_LEN, RECORD_LEN, TAIL_LEN = 128, 32, 8
RECORD = struct.Struct("<IHHQQII")
TAG_SECTION, TAG_PAGES = 0x02, 0x60
# Offsets in the header.
VERSION, ARCH, PAGE_SIZE, XFEATURES, HEADER_CRC = 8, 16, 20, 32, 124

TABLE = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    TABLE.append(number)


def crc32c(data):
    """The checksum that images use."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Record:
    """Where a record lies in an image."""

    def __init__(self, image, offset):
        self.offset = offset
        self.tag, _, _, self.length, *_ = RECORD.unpack_from(image, offset)
        self.payload = offset + RECORD_LEN
        self.tail = self.payload + (self.length + 7) // 8 * 8
        self.end = self.tail + TAIL_LEN


def records(image):
    """All of them, in order."""
    found, offset = [], HEADER_LEN
    while offset < len(image):
        found.append(Record(image, offset))
        offset = found[-1].end
    return found


def seal_header(image):
    """Make the checksum of a header right again."""
    struct.pack_into("<I", image, HEADER_CRC, crc32c(image[:HEADER_CRC]))


def seal(image, record):
    """The same for a record."""
    crc_at = record.offset + RECORD_LEN - 4
    struct.pack_into("<I", image, crc_at, crc32c(image[record.offset:crc_at]))
    struct.pack_into("<I", image, record.tail, crc32c(image[record.payload:record.tail]))
