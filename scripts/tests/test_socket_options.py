# SPDX-License-Identifier: GPL-2.0
"""Whether selftests/state/socket_options.c names every option of sockets that the kernel has."""

import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
HEADERS = TOP / "build/root/usr/src/kernel-source/include/uapi"
OPTIONS = {"asm-generic/socket.h": "SO_", "linux/in.h": "IP_|MCAST_", "linux/in6.h": "IPV6_",
           "linux/tcp.h": "TCP_", "linux/udp.h": "UDP_"}
# What only begins as options do: values of them, and the like.
VALUES = re.compile(r"IP(V6)?_PMTUDISC_|MCAST_(EX|IN)CLUDE|IP_DEFAULT_|IP_MSFILTER_SIZE|"
                    r"IPV6_(FL_|FLOWINFO_(FLOWLABEL|PRIORITY)|PRIORITY_|TLV_|PREFER_SRC_)|"
                    r"TCP_(MSS_|REPAIR_O(N|FF)|ACCECN_|MD5SIG_(MAX|FLAG_)|AO_(MAX|KEYF_)|RECEIVE_)|"
                    r"UDP_ENCAP_")


class Options(unittest.TestCase):
    """The table of the test."""

    @unittest.skipUnless(HEADERS.is_dir(), "there is no kernel source")
    def test_all_are_named(self):
        text = (TOP / "selftests/state/socket_options.c").read_text()
        named = {name for literal in re.findall(r'"([^"]*)"', text) for name in literal.split(", ")}
        for header, prefixes in OPTIONS.items():
            defined = re.findall(rf"^#define\s+((?:{prefixes})\w+)", (HEADERS / header).read_text(), re.M)
            self.assertTrue(defined, header)
            self.assertEqual([name for name in defined
                              if name not in named and not VALUES.match(name)], [], header)


if __name__ == "__main__":
    unittest.main()
