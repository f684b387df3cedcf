#!/usr/bin/env python3
"""frames.py ADDRESS INVITATION -- lengths that ask for more memory than there is: to strangers and in an authenticated channel. Each must end the connection.

Five bytes say: an array of 4,294,967,295 objects (16 GiB as pointers of four bytes); a binary string, a text or a map of that size."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from quirepy import channel, invitation  # noqa: E402

GREEDY = {"an array": 0xDD, "a map": 0xDF, "bytes": 0xC6, "a text": 0xDB}


async def ended(reader):
    """The other side closes; what it says before does not matter."""
    try:
        while await asyncio.wait_for(reader.read(65536), 20):
            pass
    except (ConnectionError, OSError):
        pass


async def main(address, invited):
    n = 0
    for raw in (b"\xff" * 5, b"\x00\x30" + b"\xff" * 3, b"\xdd" + b"\xff" * 4):
        reader, writer = await asyncio.open_connection(*channel.split_address(address))
        writer.write(raw)
        await writer.drain()
        if raw[:2] != b"\x00\x30":  # a right length, and then nothing: it waits, for 10 s at most
            await ended(reader)
        writer.close()
        n += 1
    for number in (1, 2):  # hello, redeem
        for code in GREEDY.values():
            for head in (b"", b"\x91"):  # the body itself, or its first field
                ch = await channel.dial(address, os.urandom(32), invited.network, invited.node_key)
                ch.send_raw(number, head + bytes([code]) + b"\xff" * 4)
                try:
                    await ch.flush()
                    while True:
                        got = await asyncio.wait_for(ch.receive(), 20)
                        if got is None:
                            break
                except (channel.Cut, OSError, EOFError):
                    pass
                ch.close()
                n += 1
    # A message head that announces 16 MiB.
    ch = await channel.dial(address, os.urandom(32), invited.network, invited.node_key)
    ch.writer.write(ch.frame(b"\x01\xff\xff\xff\xdd"))
    await ch.writer.drain()
    await ended(ch.reader)
    print(n + 1)


asyncio.run(main(sys.argv[1], invitation.read(sys.argv[2])))
