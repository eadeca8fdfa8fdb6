// Package embedded runs ClickHouse inside this process: the real engine (libchdb), loaded without
// cgo, behind ClickHouse's own HTTP interface. The official driver talks to it through
// [Engine.RoundTripper] exactly as it talks to a server, and [Engine.Handler] can be served to
// others.
//
// It guarantees: one process a directory, by a lock of its own; an insert that was acknowledged
// survives the end of the process at any instant (not the loss of the machine's power: the engine
// does not sync its files), and one that was not can be made again under its token; a cancelled context ends the statement that it started; errors carry
// ClickHouse's codes; the engine never logs, because its log quotes statements and data.
//
// It does not guarantee isolation: the engine shares the process's memory, and a defect in it ends
// the process. It has no users, quotas or row policies. One engine can be open in a process at a
// time, and once loaded the library stays until the process ends.
//
// The engine is tested on Linux, x86-64, glibc. Statements with more than one SELECT, INSERT or other
// command are refused; sessions, external tables and compression are not supported.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"throng/internal/durable"
)

// Options say where an engine lives and what it may use.
type Options struct {
	// Dir is the engine's directory; it is created with mode 0700 where it is missing. Required.
	Dir string
	// Library is the path of libchdb.so. Defaults to what Find gives.
	Library string
	// MemoryLimit is the number of bytes above which the engine refuses statements. Defaults to
	// 1 GiB, at least 256 MiB. The engine counts its own allocations, not those of Go.
	MemoryLimit uint64
	// KeepFreeBytes is the free space in bytes that the engine leaves on the file system: inserts and
	// merges that would need it fail. Defaults to 256 MiB.
	KeepFreeBytes uint64
	// Grants are what statements may do, each a GRANT of ClickHouse's without its user. Defaults to what
	// the program needs: no files, no URLs, no other servers, no access control.
	Grants []string
	// Logger takes what becomes of the engine, never a statement. Defaults to no logging.
	Logger *slog.Logger
}

const (
	minMemory         = 256 << 20
	defaultMemory     = 1 << 30
	defaultKeepFree   = 256 << 20
	maxConnections    = 32
	closeGrace        = 20 * time.Second
	engineProgramName = "clickhouse" // argv[0]
)

// ErrInUse says that another engine is open in this process.
var ErrInUse = errors.New("an engine is open in this process already")

// process is held by the open engine: libchdb has one server a process, as global state of its own.
var process sync.Mutex

// Engine is an open engine. Its methods may be called by several goroutines.
type Engine struct {
	lock    *durable.Lock
	log     *slog.Logger
	writers *pool // read and write
	readers *pool // the engine refuses writes on them
	control *pool // KILL QUERY, which must not wait for a slot behind the statement it ends
	version string
	zone    string
	once    sync.Once
	closed  error
}

// Open loads the library, locks the directory and starts the engine on it. The error matches
// [ErrNoLibrary] where the library is missing or damaged, [durable.ErrLocked] where another process
// has the directory open, and [ErrInUse] where this process has an engine.
func Open(ctx context.Context, o Options) (_ *Engine, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	if err := check(o.Library); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	if err := durable.MkdirAll(o.Dir); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	lock, err := durable.LockFile(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	if !process.TryLock() {
		return nil, errors.Join(fmt.Errorf("open engine: %w", ErrInUse), lock.Unlock())
	}
	e := &Engine{lock: lock, log: o.Logger}
	if err := e.start(ctx, o); err != nil {
		process.Unlock()
		return nil, errors.Join(fmt.Errorf("open engine in %s: %w", o.Dir, err), lock.Unlock())
	}
	e.log.Info("engine is open", slog.String("version", e.version), slog.String("library", o.Library))
	return e, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("no directory given")
	}
	dir, err := filepath.Abs(o.Dir) // every connection must name the very same path
	if err != nil {
		return o, err
	}
	o.Dir = dir
	if o.Library == "" {
		if o.Library, err = Find(); err != nil {
			return o, err
		}
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = defaultMemory
	}
	if o.MemoryLimit < minMemory {
		return o, fmt.Errorf("memory limit of %d bytes is under %d", o.MemoryLimit, minMemory)
	}
	if o.KeepFreeBytes == 0 {
		o.KeepFreeBytes = defaultKeepFree
	}
	if len(o.Grants) == 0 {
		o.Grants = []string{ownGrants}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// start loads the library and opens the first connection, which starts the engine's server.
func (e *Engine) start(ctx context.Context, o Options) error {
	if err := writeConfig(o); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := settle(o.Dir); err != nil {
		return err
	}
	lib, err := load(o.Library)
	if err != nil {
		return err
	}
	args := []string{engineProgramName, "--path=" + dataDir(o.Dir), "--config-file=" + configFile(o.Dir)}
	e.writers = newPool(maxConnections, lib, args)
	e.readers = newPool(maxConnections, lib, append(args[:len(args):len(args)], "--readonly=2"))
	e.control = newPool(1, lib, args)
	if err := e.identify(ctx); err != nil {
		e.closePools()
		return err
	}
	return nil
}

// identify asks the engine who it is. It is the first statement, so a data directory that cannot be
// used shows here.
func (e *Engine) identify(ctx context.Context) error {
	return e.control.with(ctx, func(c *connection) error {
		r, err := c.query("SELECT version(), timezone()", "TSVRaw", nil)
		if err != nil {
			return err
		}
		version, zone, ok := strings.Cut(strings.TrimSpace(string(r.data)), "\t")
		if !ok {
			return errors.New("the engine does not tell its version")
		}
		e.version, e.zone = version, zone
		return nil
	})
}

// Version is the version that the engine gives itself.
func (e *Engine) Version() string { return e.version }

// Handler is the engine's HTTP interface: POST / with a statement, in the body or in the parameter
// query; GET for statements that only read; /ping. It asks for no password: see [WithPassword].
func (e *Engine) Handler() http.Handler { return &handler{e} }

// RoundTripper is the same interface for a client in this process. Host and scheme of a request's
// URL mean nothing to it.
func (e *Engine) RoundTripper() http.RoundTripper { return transport{e.Handler()} }

// Close waits for running statements, ends the engine and gives the directory free. Acknowledged
// inserts are safe whether or not it returns nil. A second call does nothing and gives the first
// one's result.
//
// The library's own shutdown waits for background merges. Where it is not over after 20 s, Close
// returns an error and leaves the directory locked until the process ends.
func (e *Engine) Close() error {
	e.once.Do(func() { e.closed = e.close() })
	return e.closed
}

func (e *Engine) close() error {
	done := make(chan struct{})
	go func() {
		e.closePools()
		close(done)
	}()
	timeout := time.NewTimer(closeGrace)
	defer timeout.Stop()
	select {
	case <-done:
		process.Unlock()
		e.log.Info("engine is closed")
		return e.lock.Unlock()
	case <-timeout.C:
		return fmt.Errorf("close engine: statements or merges still run after %s; they end with the process", closeGrace)
	}
}

func (e *Engine) closePools() {
	e.writers.close()
	e.readers.close()
	e.control.close()
}
