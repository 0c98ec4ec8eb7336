"""What wire faults do to a connection: the same in the proxy and in the fake collector.

`plan` says which faults are in force, `conversation` where requests and replies begin and end,
`lanes` carry the bytes, `connection` brings them together. No sockets: whoever has some is a
`connection.Peer`.
"""
