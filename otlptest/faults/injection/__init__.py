"""The effects of wire faults on a connection, the same in the proxy and in the fake collector.

`injections` has the faults in force, `protocol_tracker` the bounds of requests and replies,
`byte_stream` and `frame_filter` carry the bytes, and `injector` combines them. There are no
sockets: their owner is a `peer.Peer`.
"""
