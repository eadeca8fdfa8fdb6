package embedded

import (
	"fmt"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// binding holds the functions of libchdb's C interface that are used, and the C library's sigaction.
// Handles are C memory; Go only carries them.
type binding struct {
	connect  func(argc int32, argv unsafe.Pointer) unsafe.Pointer // chdb_connection *
	close    func(conn unsafe.Pointer)
	version  func() string
	classify func(conn, query unsafe.Pointer, n uintptr, db unsafe.Pointer, dbn uintptr, out unsafe.Pointer) int32

	query  statementFunc // result
	stream statementFunc // streaming result
	insert statementFunc // insert stream

	fetch        func(conn, stream unsafe.Pointer) unsafe.Pointer // result
	cancelStream func(conn, stream unsafe.Pointer)

	buffer      func(result unsafe.Pointer) unsafe.Pointer
	length      func(result unsafe.Pointer) uintptr
	resultError func(result unsafe.Pointer) string
	rowsWritten func(result unsafe.Pointer) uint64
	destroy     func(result unsafe.Pointer)

	insertAppend  func(insert, data unsafe.Pointer, n uintptr) int32
	insertDone    func(insert unsafe.Pointer) unsafe.Pointer // result
	insertCancel  func(insert unsafe.Pointer)
	insertError   func(insert unsafe.Pointer) string
	insertDestroy func(insert unsafe.Pointer)

	handleSignals func(enabled int32)
	sigaction     func(sig int32, act, old unsafe.Pointer) int32
}

// statementFunc is the shape of the three functions that start a statement: text and format with
// their lengths, then the query parameters as four arrays of one length.
type statementFunc func(conn, query unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

// load opens the library at path and finds its functions. The library stays in the process: it has
// threads that outlive every connection.
func load(path string) (b *binding, err error) {
	defer func() {
		if r := recover(); r != nil { // purego panics where a symbol is missing
			err = fmt.Errorf("load engine: %s has not the interface of version %s: %v", path, Version, r)
		}
	}()
	libc, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("load engine: it needs glibc: %w", err)
	}
	b = new(binding)
	purego.RegisterLibFunc(&b.sigaction, libc, "sigaction")

	var lib uintptr
	b.keepingSignals(func() { lib, err = purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL) })
	if err != nil {
		return nil, fmt.Errorf("load engine: %w", err)
	}
	for name, fn := range b.symbols() {
		purego.RegisterLibFunc(fn, lib, name)
	}
	b.keepingSignals(func() { b.handleSignals(0) })
	return b, nil
}

func (b *binding) symbols() map[string]any {
	return map[string]any{
		"chdb_connect":                     &b.connect,
		"chdb_close_conn":                  &b.close,
		"chdb_version":                     &b.version,
		"chdb_classify_query_n":            &b.classify,
		"chdb_query_with_params_n":         &b.query,
		"chdb_stream_query_with_params_n":  &b.stream,
		"chdb_stream_insert_with_params_n": &b.insert,
		"chdb_stream_fetch_result":         &b.fetch,
		"chdb_stream_cancel_query":         &b.cancelStream,
		"chdb_result_buffer":               &b.buffer,
		"chdb_result_length":               &b.length,
		"chdb_result_error":                &b.resultError,
		"chdb_result_rows_written":         &b.rowsWritten,
		"chdb_destroy_query_result":        &b.destroy,
		"chdb_stream_append":               &b.insertAppend,
		"chdb_stream_done":                 &b.insertDone,
		"chdb_stream_cancel_insert":        &b.insertCancel,
		"chdb_stream_insert_error":         &b.insertError,
		"chdb_destroy_insert_stream":       &b.insertDestroy,
		"chdb_set_signal_handlers_enabled": &b.handleSignals,
	}
}

// guarded are the signals whose handlers the engine replaces when it is loaded or first connected to
// and which the Go runtime needs: without its own SIGSEGV and SIGURG handlers it can neither turn a
// nil dereference into a panic nor preempt.
var guarded = []syscall.Signal{
	syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGILL, syscall.SIGBUS, syscall.SIGSYS, syscall.SIGFPE,
	syscall.SIGTSTP, syscall.SIGTRAP, syscall.SIGURG, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT,
	syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGPROF, syscall.SIGUSR1, syscall.SIGUSR2,
}

// keepingSignals runs fn and then puts the signal handlers back as they were.
func (b *binding) keepingSignals(fn func()) {
	saved := make([][256]byte, len(guarded)) // a struct sigaction has 152 bytes on Linux
	for i, s := range guarded {
		b.sigaction(int32(s), nil, unsafe.Pointer(&saved[i]))
	}
	fn()
	for i, s := range guarded {
		b.sigaction(int32(s), unsafe.Pointer(&saved[i]), nil)
	}
}
