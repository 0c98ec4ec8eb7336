"""The effects of wire faults on a connection, the same in the proxy and in the fake collector.

`plan` has the faults in force, `conversation` the bounds of requests and replies, `lanes` carry
the bytes, and `connection` combines them. There are no sockets: their owner is a
`connection.Peer`.
"""
