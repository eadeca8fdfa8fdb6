package syslog

import (
	"encoding/binary"
	"net"
	"syscall"
)

// oobBytes is room for the one control message that is asked for.
var oobBytes = syscall.CmsgSpace(4)

// countOverflow asks the system to say with each datagram how many it has dropped. Where it cannot,
// nothing is said.
func countOverflow(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RXQ_OVFL, 1)
	})
}

// overflow is the system's count of datagrams that it dropped, modulo 2^32.
type overflow struct{ last uint32 }

// grown is by how much it has grown since the datagram before.
func (o *overflow) grown(oob []byte) uint64 {
	if len(oob) < syscall.CmsgLen(4) {
		return 0
	}
	now := binary.NativeEndian.Uint32(oob[syscall.CmsgLen(0):])
	d := now - o.last
	o.last = now
	return uint64(d)
}
