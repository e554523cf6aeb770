"""Read, change and write relocatable 64-bit little-endian ELF files.

Only as much of it as klp-link needs: sections, symbols, RELA relocations.
"""

import struct
from dataclasses import dataclass, field

SHT_SYMTAB, SHT_RELA, SHT_NOBITS = 2, 4, 8
SHF_ALLOC, SHF_EXECINSTR = 0x2, 0x4
SHN_UNDEF = 0
ET_REL = 1

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELA = struct.Struct("<QQq")


@dataclass
class Relocation:
    """One entry of a RELA section."""

    offset: int
    symbol: int
    type: int
    addend: int


@dataclass
class Section:
    """A section with its content; where it lies is decided when writing."""

    name: str
    type: int
    flags: int
    address: int = 0
    link: int = 0
    info: int = 0
    align: int = 1
    entsize: int = 0
    data: bytearray = field(default_factory=bytearray)
    size: int = 0  # of a section without content in the file

    def relocations(self):
        """What is in a RELA section."""
        for offset, info, addend in RELA.iter_unpack(bytes(self.data)):
            yield Relocation(offset, info >> 32, info & 0xFFFFFFFF, addend)

    def set_relocations(self, relocations):
        """Replace what is in a RELA section."""
        self.data = bytearray(b"".join(
            RELA.pack(r.offset, r.symbol << 32 | r.type, r.addend) for r in relocations))


def string_at(table, offset):
    """The string at an offset of a string table."""
    return bytes(table[offset:table.index(0, offset)]).decode()


class Elf:
    """A relocatable object file."""

    def __init__(self, image):
        if len(image) < HEADER.size or image[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit little-endian ELF file")
        self.header = list(HEADER.unpack_from(image))
        if self.header[1] != ET_REL:
            raise ValueError("not a relocatable ELF file")
        table, count, self.names = self.header[6], self.header[12], self.header[13]
        self.sections = []
        offsets = []
        for index in range(count):
            name, kind, flags, address, offset, size, link, info, align, entsize = \
                SECTION.unpack_from(image, table + index * SECTION.size)
            data = b"" if kind == SHT_NOBITS else image[offset:offset + size]
            offsets.append(name)
            self.sections.append(Section("", kind, flags, address, link, info, align,
                                         entsize, bytearray(data), size))
        for section, offset in zip(self.sections, offsets):
            section.name = string_at(self.sections[self.names].data, offset)
        self.symtab = next(s for s in self.sections if s.type == SHT_SYMTAB)
        self.strtab = self.sections[self.symtab.link]

    def section(self, name):
        """The section of that name."""
        return next(s for s in self.sections if s.name == name)

    def undefined_symbols(self):
        """Index in the symbol table of every undefined symbol, by name."""
        found = {}
        for index, symbol in enumerate(SYMBOL.iter_unpack(bytes(self.symtab.data))):
            if symbol[3] == SHN_UNDEF and symbol[0]:
                found[string_at(self.strtab.data, symbol[0])] = index
        return found

    def replace_symbol(self, index, name, shndx):
        """Give a symbol another name and section index."""
        at = index * SYMBOL.size
        _, info, other, _, value, size = SYMBOL.unpack_from(self.symtab.data, at)
        SYMBOL.pack_into(self.symtab.data, at, len(self.strtab.data), info, other,
                         shndx, value, size)
        self.strtab.data += name.encode() + b"\0"

    def to_bytes(self):
        """The file as it goes to disk: header, sections, section headers."""
        names = bytearray(b"\0")
        offsets = []
        for section in self.sections:
            offsets.append(len(names) if section.name else 0)
            if section.name:
                names += section.name.encode() + b"\0"
        self.sections[self.names].data = names

        image = bytearray(HEADER.size)
        headers = []
        for section, name in zip(self.sections, offsets):
            image += bytes(-len(image) % max(section.align, 1))
            size = section.size if section.type == SHT_NOBITS else len(section.data)
            headers.append(SECTION.pack(
                name, section.type, section.flags, section.address,
                len(image) if section.type else 0, size, section.link, section.info,
                section.align, section.entsize))
            image += section.data
        image += bytes(-len(image) % 8)
        self.header[6], self.header[12] = len(image), len(self.sections)
        HEADER.pack_into(image, 0, *self.header)
        return bytes(image + b"".join(headers))
