# SPDX-License-Identifier: GPL-2.0
"""Images as bytes: where the records are, and how to change them (cr_image.h)."""

import struct

HEADER_LEN, RECORD_LEN, TAIL_LEN = 128, 32, 8
RECORD = struct.Struct("<IHHQQII")
TAG_END, TAG_SECTION, TAG_CONTAINER, TAG_UTS, TAG_CRED, TAG_PIPE = 0x01, 0x02, 0x10, 0x11, 0x20, 0x21
TAG_IPC, TAG_CPU = 0x12, 0x13
TAG_FILE, TAG_FS, TAG_MM, TAG_VMA, TAG_PROCESS, TAG_THREAD = 0x23, 0x25, 0x27, 0x28, 0x40, 0x41
TAG_NETLINK = 0x31
TAG_KERNFS_FILE = 0x58
TAG_LANDLOCK = 0x5e
TAG_POLICY = 0x19
TAG_SECCOMP, TAG_XSTATE, TAG_SCHED, TAG_CONTROLS, TAG_PAGES = 0x2a, 0x43, 0x45, 0x46, 0x60
# sizeof(struct cr_img_cred), sizeof(struct cr_img_fs)
CRED_LEN, FS_LEN, PAGE = 96, 24, 4096
# Offsets in the header.
VERSION, ARCH, PAGE_SIZE, XFEATURES, HEADER_CRC = 8, 16, 20, 32, 124
# Members of payloads: where they are, and what they consist of.
MEMBERS = {
    TAG_CONTAINER: {"namespaces": (12, "I"), "monotonic_ns": (16, "Q"), "boottime_ns": (24, "Q")},
    TAG_CRED: {"uid": (0, "4I"), "gid": (16, "4I"), "cap": (32, "5Q"), "securebits": (72, "I"),
               "nr_groups": (76, "I"), "landlock_log": (80, "I"), "landlock": (88, "Q")},
    TAG_PIPE: {"ring_size": (0, "I"), "uid": (12, "I"), "gid": (16, "I")},
    TAG_NETLINK: {"opener": (0, "Q"), "uid": (40, "I"), "gid": (44, "I")},
    TAG_KERNFS_FILE: {"opener": (0, "Q"), "uid": (16, "I"), "gid": (20, "I")},
    TAG_FILE: {"kind": (0, "I"), "flags": (4, "I"), "path_len": (68, "I")},
    TAG_FS: {"cwd_len": (4, "I"), "root_len": (8, "I")},
    TAG_MM: {"exe": (88, "Q"), "dumpable": (116, "I")},
    TAG_VMA: {"object": (24, "Q"), "kind": (40, "I"), "flags": (44, "I")},
    TAG_PROCESS: {"pid": (0, "I"), "rlimit": (64, "32Q"), "oom_score_adj": (372, "i"),
                  "oom_score_adj_min": (376, "i")},
    TAG_THREAD: {"tid": (0, "I"), "flags": (4, "I"), "cred": (24, "Q"), "policy": (192, "I"),
                 "nice": (196, "i"), "seccomp": (208, "Q")},
}

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
        self.tag, _, _, self.length, self.id, *_ = RECORD.unpack_from(image, offset)
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



class Part:
    """A record of an image that is taken apart: part["uid"] is a member of its payload."""

    def __init__(self, data, record):
        self.tag, self.version, self.flags, _, self.id, *_ = RECORD.unpack_from(data, record.offset)
        self.payload = bytearray(data[record.payload:record.payload + record.length])
        self._sealed = bytes(self.payload), struct.unpack_from("<I", data, record.tail)[0]

    @classmethod
    def new(cls, tag, payload, number=0):
        """One that was not there."""
        part = cls.__new__(cls)
        part.tag, part.version, part.flags, part.id = tag, 1, 0, number
        part.payload, part._sealed = bytearray(payload), (None, 0)
        return part

    def __getitem__(self, member):
        offset, layout = MEMBERS[self.tag][member]
        values = struct.unpack_from(f"<{layout}", self.payload, offset)
        return values[0] if len(values) == 1 else list(values)

    def __setitem__(self, member, value):
        offset, layout = MEMBERS[self.tag][member]
        values = value if isinstance(value, (list, tuple)) else [value]
        struct.pack_into(f"<{layout}", self.payload, offset, *values)

    def bytes(self, offset):
        """As it is at this place of an image."""
        if self.tag == TAG_PAGES:
            self._align(offset + RECORD_LEN)
        padded = bytes(self.payload) + bytes(-len(self.payload) % 8)
        old, crc = self._sealed
        if old != self.payload:
            crc = crc32c(padded)
        head = RECORD.pack(self.tag, self.version, self.flags, len(self.payload), self.id, 0, 0)[:-4]
        return head + struct.pack("<I", crc32c(head)) + padded + struct.pack("<II", crc, 0)

    def _align(self, start):
        """Pages begin at a multiple of their size in the image."""
        nr_runs, data = struct.unpack_from("<II", self.payload, 8)
        runs = 16 + 16 * nr_runs
        aligned = runs + -(start + runs) % PAGE
        if aligned != data:
            self.payload[runs:data] = bytes(aligned - runs)
            struct.pack_into("<I", self.payload, 12, aligned)


class Image:
    """An image that is taken apart, to be put together with other values and right checksums."""

    def __init__(self, data):
        self.header = data[:HEADER_LEN]
        self.parts = [Part(data, record) for record in records(data)]

    def of(self, tag):
        """The records of a kind."""
        return [part for part in self.parts if part.tag == tag]

    def insert_after(self, tag, added, payload):
        """Another record behind each of a kind."""
        self.parts = [new for part in self.parts
                      for new in ([part, Part.new(added, payload)] if part.tag == tag else [part])]
        return self

    def bytes(self):
        """The whole of it."""
        data = bytearray(self.header)
        for number, part in enumerate(self.parts):
            if part.tag == TAG_END:
                struct.pack_into("<Q", part.payload, 0, number)
                struct.pack_into("<Q", part.payload, 16, len(data))
            data += part.bytes(len(data))
        return bytes(data)


def change(image, tag, which=None, **values):
    """All records of a kind, or which of them, get other values."""
    for part in image.of(tag):
        if which is None or which(part):
            for member, value in values.items():
                part[member] = value
    return image


def credentials(image, groups=None, **values):
    """All tasks get these."""
    for part in image.of(TAG_CRED):
        if groups is not None:
            part["nr_groups"] = len(groups)
            part.payload[CRED_LEN:] = struct.pack(f"<{len(groups)}I", *groups)
    return change(image, TAG_CRED, **values)
