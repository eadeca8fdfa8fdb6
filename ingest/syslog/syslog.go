// Package syslog receives log lines as syslog messages over UDP (RFC 5426) and TCP (RFC 6587), with
// headers of RFC 5424 or RFC 3164, such as nginx's `access_log syslog:` sends them.
//
// # What it guarantees
//
// A message that came whole is handed on as one line without its header, or counted as dropped. Memory is
// bounded: a message has at most [MaxMessage] bytes, and there are at most maxConns connections. No
// error and no log holds anything of a message or of who sent it.
//
// # What it does not
//
// Syslog has no acknowledgement. What was received and not yet acknowledged by the broker is lost when
// the process dies; a datagram that finds no room is lost, and counted; a connection that finds none has
// to wait, and what its sender does then is the sender's affair. Nobody is authenticated.
package syslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Sink takes lines.
type Sink interface {
	// Offer takes lines if there is room.
	Offer(lines []byte) (end uint64, err error)
	// Put waits for room.
	Put(ctx context.Context, lines []byte) (end uint64, err error)
	// Drop counts messages that were lost.
	Drop(n uint64)
}

// Options of [Listen].
type Options struct {
	// UDP and TCP are the addresses to listen on, host:port. One of them is required.
	UDP, TCP string
	// Logger receives why connections were ended. Required.
	Logger *slog.Logger
}

const (
	// maxConns bounds the connections at a time.
	maxConns = 256
	// idleTime ends a connection that says nothing for so long.
	idleTime = 15 * time.Minute
	// udpBuffer is what the system shall keep of datagrams that were not read yet, if it lets us.
	udpBuffer = 8 << 20
	// longestDatagram is what UDP can carry.
	longestDatagram = 64 << 10
)

// Server listens. It belongs to one call of Serve, or of Close.
type Server struct {
	o   Options
	udp *net.UDPConn
	tcp net.Listener
}

// Listen opens the addresses.
func Listen(ctx context.Context, o Options) (*Server, error) {
	s := &Server{o: o}
	var lc net.ListenConfig
	if o.UDP != "" {
		c, err := lc.ListenPacket(ctx, "udp", o.UDP)
		if err != nil {
			return nil, fmt.Errorf("listen for syslog: %w", err)
		}
		s.udp = c.(*net.UDPConn)
		_ = s.udp.SetReadBuffer(udpBuffer) // the system's own limit holds; what it drops is counted
		countOverflow(s.udp)
	}
	if o.TCP != "" {
		l, err := lc.Listen(ctx, "tcp", o.TCP)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen for syslog: %w", err), s.Close())
		}
		s.tcp = l
	}
	return s, nil
}

// UDPAddr and TCPAddr are the addresses that are listened on; "" where none is.
func (s *Server) UDPAddr() string {
	if s.udp == nil {
		return ""
	}
	return s.udp.LocalAddr().String()
}

// TCPAddr is the address for connections.
func (s *Server) TCPAddr() string {
	if s.tcp == nil {
		return ""
	}
	return s.tcp.Addr().String()
}

// Close stops listening. After Serve it does nothing.
func (s *Server) Close() error {
	var errs []error
	if s.udp != nil {
		errs = append(errs, unlessClosed(s.udp.Close()))
	}
	if s.tcp != nil {
		errs = append(errs, unlessClosed(s.tcp.Close()))
	}
	return errors.Join(errs...)
}

// unlessClosed lets what Serve has closed be closed again.
func unlessClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Serve hands messages on until ctx ends. It returns when the last one is handed on. Datagrams that the
// system holds by then are read first; connections are cut.
func (s *Server) Serve(ctx context.Context, to Sink) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	run := func(serve func(context.Context, Sink) error) {
		wg.Go(func() {
			defer stop() // one that fails ends the other
			errs <- serve(inner, to)
		})
	}
	if s.udp != nil {
		run(s.serveUDP)
	}
	if s.tcp != nil {
		run(s.serveTCP)
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// drainTime is how long datagrams that the system holds are read after the end.
const drainTime = 100 * time.Millisecond

func (s *Server) serveUDP(ctx context.Context, to Sink) error {
	unblock := context.AfterFunc(ctx, func() { _ = s.udp.SetReadDeadline(soon(drainTime)) })
	defer unblock()
	defer s.udp.Close()
	buf, oob := make([]byte, longestDatagram), make([]byte, oobBytes)
	var lost overflow
	for {
		n, m, _, _, err := s.udp.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("receive syslog datagrams: %w", withoutAddress(err))
		}
		if d := lost.grown(oob[:m]); d > 0 {
			to.Drop(d)
		}
		if _, err := to.Offer(Message(buf[:n])); err != nil {
			to.Drop(1)
		}
	}
}

func (s *Server) serveTCP(ctx context.Context, to Sink) error {
	unblock := context.AfterFunc(ctx, func() { s.tcp.Close() })
	defer unblock()
	defer s.tcp.Close()
	slots := make(chan struct{}, maxConns)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept syslog connections: %w", withoutAddress(err))
		}
		select {
		case slots <- struct{}{}:
		default:
			s.o.Logger.Warn("a syslog connection was refused: there are as many as are allowed", slog.Int("connections", maxConns))
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			s.serveConn(ctx, conn, to)
		})
	}
}

// serveConn reads one connection to its end.
func (s *Server) serveConn(ctx context.Context, conn net.Conn, to Sink) {
	unblock := context.AfterFunc(ctx, func() { conn.Close() })
	defer unblock()
	defer conn.Close()
	in := newFrames(conn)
	for {
		if err := conn.SetReadDeadline(soon(idleTime)); err != nil {
			return
		}
		msg, err := in.next()
		if err == nil {
			_, err = to.Put(ctx, Message(msg))
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				s.o.Logger.Warn("a syslog connection was ended", slog.Any("error", withoutAddress(err)))
			}
			return
		}
	}
}

// soon is a deadline, which is the system's affair and not that of a clock that tests move.
func soon(d time.Duration) time.Time { return time.Now().Add(d) } //nolint:forbidigo // deadlines of connections are in real time

// withoutAddress takes the addresses off an error: they are those of who sends.
func withoutAddress(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
