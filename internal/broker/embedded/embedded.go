// Package embedded runs a broker in this process that speaks the Kafka protocol on the loopback
// interface, so that Throng needs no cluster on one machine. Clients cannot tell it from a cluster.
//
// The broker is kfake of twmb/franz-go. Its own package calls itself a fake broker for testing; Throng
// uses the small part of it that package embedded's tests exercise.
//
// # What it guarantees
//
// A record that was acknowledged, a topic that was created and an offset that was committed survive
// the death of the process at any instant: each is written and synced before the answer. The log is
// on disk; memory holds an index of some hundred bytes a message, and while it opens one segment
// ([throng.MaxBlockBytes] and one message more) a partition. One process at a time can open a directory.
//
// # What it does not
//
// There is one copy of the data. One goroutine serves all requests. A failed fsync is not reported by
// kfake, and it does not sync directories; a loss of power is survived as far as the file system makes
// the name of a file durable together with its bytes (ext4, XFS and Btrfs do). Nobody is
// authenticated: whoever can connect to the loopback interface of the machine can read and write. The
// broker never expires records by age, whatever a topic's retention.ms says (kfake would start an
// emptied partition at offset 0 again): topics are deleted whole.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"throng"
	"throng/internal/durable"
)

// Options of [Open].
type Options struct {
	// Dir holds everything that the broker keeps. It is created with mode 0700. Required.
	Dir string
	// Addr is the loopback address to listen on, host:port. Defaults to the address of the last time
	// if it is free, else to a free port of 127.0.0.1.
	Addr string
	// Logger receives the broker's warnings. Defaults to none.
	Logger *slog.Logger
}

// Broker is a running broker. Its methods may be called from any goroutine.
type Broker struct {
	cluster *kfake.Cluster
	lock    *durable.Lock
	addr    string
	close   func() error
}

// Open starts a broker on the directory, with all that an earlier one acknowledged there. It returns
// when the broker answers; a large log takes a second for about every gigabyte. Where another process
// has the directory open, the error matches [durable.ErrLocked].
func Open(ctx context.Context, o Options) (_ *Broker, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := durable.MkdirAll(o.Dir); err != nil {
		return nil, fmt.Errorf("create broker directory: %w", err)
	}
	lock, err := durable.LockFile(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open broker directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Unlock())
		}
	}()
	data := filepath.Join(o.Dir, "kfake")
	if err := settle(data); err != nil {
		return nil, fmt.Errorf("settle broker log after a crash: %w", err)
	}
	ln, err := listen(ctx, o)
	if err != nil {
		return nil, err
	}
	cluster, err := start(data, ln, o.Logger)
	if err != nil {
		return nil, fmt.Errorf("start broker on %s: %w", o.Dir, errors.Join(err, closeListener(ln)))
	}
	b := &Broker{cluster: cluster, lock: lock, addr: ln.Addr().String()}
	ghosts, err := watchGhosts(cluster, b.addr, o.Logger)
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("start broker on %s: %w", o.Dir, err)
	}
	b.close = sync.OnceValue(func() error {
		ghosts.close()
		b.cluster.Close()
		return b.lock.Unlock()
	})
	return b, nil
}

// Addr is the address for clients, host:port.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker and frees the directory. Requests under way get no answer.
func (b *Broker) Close() error { return b.close() }

func start(dir string, ln net.Listener, log *slog.Logger) (*kfake.Cluster, error) {
	return kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.DataDir(dir),
		kfake.SyncWrites(),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return ln, nil }),
		kfake.WithLogger(logger{log}),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes": strconv.Itoa(throng.MaxBlockBytes),
			// A start reads whole segments, one a partition at a time.
			"log.segment.bytes": strconv.Itoa(throng.MaxBlockBytes),
			// The pause between two looks for expired records.
			"log.cleaner.backoff.ms": strconv.FormatInt(never.Milliseconds(), 10),
			// A group without members keeps its offsets for longer than any topic lives.
			"offsets.retention.minutes": strconv.Itoa(30 * 24 * 60),
		}),
	)
}

const never = 100 * 365 * 24 * time.Hour

// closeListener closes a listener that kfake may have closed already.
func closeListener(ln net.Listener) error {
	if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// listen opens the given address; or the one of the last time, so that clients find the broker again
// after a restart; or a free one. The choice is remembered in the directory.
func listen(ctx context.Context, o Options) (net.Listener, error) {
	var lc net.ListenConfig
	if o.Addr != "" {
		if err := checkLoopback(o.Addr); err != nil {
			return nil, err
		}
		ln, err := lc.Listen(ctx, "tcp", o.Addr)
		if err != nil {
			return nil, fmt.Errorf("listen for broker clients: %w", err)
		}
		return ln, nil
	}
	remembered := filepath.Join(o.Dir, "addr")
	if last, err := os.ReadFile(remembered); err == nil && checkLoopback(string(last)) == nil {
		ln, err := lc.Listen(ctx, "tcp", string(last))
		if err == nil {
			return ln, nil
		}
		o.Logger.Warn("the broker's last address is taken; other processes must be told the new one", slog.Any("error", err))
	}
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for broker clients: %w", err)
	}
	if err := durable.WriteFile(remembered, []byte(ln.Addr().String())); err != nil {
		return nil, fmt.Errorf("remember broker address: %w", errors.Join(err, ln.Close()))
	}
	return ln, nil
}

func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("parse broker address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("listen for broker clients: %q is not a loopback address, and the broker authenticates nobody", host)
	}
	return nil
}

// logger passes on what kfake logs as a warning or worse; below that it names clients.
type logger struct{ to *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.to.Error("broker", slog.String("detail", fmt.Sprintf(format, args...)))
	case kfake.LogLevelWarn:
		l.to.Warn("broker", slog.String("detail", fmt.Sprintf(format, args...)))
	}
}
