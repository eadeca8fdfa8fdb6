package embedded

import (
	"errors"
	"io"
	"runtime"
	"unsafe"
)

// connection is one connection to the engine inside this process. It runs one statement at a time
// and is used by one goroutine at a time; what a statement sets (SET, USE) stays until it is reset.
type connection struct {
	lib    *binding
	handle unsafe.Pointer // chdb_connection *, what is closed
	conn   unsafe.Pointer // chdb_connection, what statements take
}

// errConnect stands for a reason that the engine writes to standard error only.
var errConnect = errors.New("connect to engine: refused; it wrote the reason to standard error")

func (b *binding) dial(args []string) (*connection, error) {
	argv := make([]*byte, len(args))
	for i, a := range args {
		argv[i] = &append([]byte(a), 0)[0]
	}
	var h unsafe.Pointer
	b.keepingSignals(func() { h = b.connect(int32(len(argv)), unsafe.Pointer(&argv[0])) })
	runtime.KeepAlive(argv)
	if h == nil {
		return nil, errConnect
	}
	return &connection{lib: b, handle: h, conn: *(*unsafe.Pointer)(h)}, nil
}

func (c *connection) close() { c.lib.close(c.handle) }

// parameter is a server-side query parameter, {name:Type} in the statement.
type parameter struct{ name, value string }

// start calls one of the three functions that begin a statement.
func (c *connection) start(fn statementFunc, query, format string, params []parameter) unsafe.Pointer {
	n := len(params)
	names, values := make([]*byte, n+1), make([]*byte, n+1) // never empty, so that there is an address
	nameLens, valueLens := make([]uintptr, n+1), make([]uintptr, n+1)
	for i, p := range params {
		names[i], nameLens[i] = &append([]byte(p.name), 0)[0], uintptr(len(p.name))
		values[i], valueLens[i] = &append([]byte(p.value), 0)[0], uintptr(len(p.value))
	}
	q, f := append([]byte(query), 0), append([]byte(format), 0)
	h := fn(c.conn, unsafe.Pointer(&q[0]), uintptr(len(query)), unsafe.Pointer(&f[0]), uintptr(len(format)),
		unsafe.Pointer(&names[0]), unsafe.Pointer(&nameLens[0]), unsafe.Pointer(&values[0]), unsafe.Pointer(&valueLens[0]), uintptr(n))
	runtime.KeepAlive(names)
	runtime.KeepAlive(values)
	return h
}

// result is what a statement left: its output and the number of rows that it wrote.
type result struct {
	data    []byte
	written uint64
}

func (c *connection) query(query, format string, params []parameter) (result, error) {
	return c.take(c.start(c.lib.query, query, format, params))
}

func (c *connection) exec(query string) error {
	_, err := c.query(query, "Null", nil)
	return err
}

// take copies a result out of C memory and frees it.
func (c *connection) take(r unsafe.Pointer) (result, error) {
	if r == nil {
		return result{}, errNoResult
	}
	defer c.lib.destroy(r)
	if msg := c.lib.resultError(r); msg != "" {
		return result{}, parseException(msg)
	}
	return result{data: append([]byte(nil), c.view(r)...), written: c.lib.rowsWritten(r)}, nil
}

// view is a result's output where it lies; it dies with the result.
func (c *connection) view(r unsafe.Pointer) []byte {
	n := c.lib.length(r)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(c.lib.buffer(r)), n)
}

// stream runs a SELECT and writes its output to w as it comes, block by block.
func (c *connection) stream(w io.Writer, query, format string, params []parameter) error {
	s := c.start(c.lib.stream, query, format, params)
	if s == nil {
		return errNoResult
	}
	defer c.lib.destroy(s)
	if msg := c.lib.resultError(s); msg != "" {
		return parseException(msg)
	}
	for {
		n, err := c.copyNext(w, s)
		if err != nil {
			c.lib.cancelStream(c.conn, s)
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// copyNext writes the next piece of a stream to w; 0 is the end.
func (c *connection) copyNext(w io.Writer, s unsafe.Pointer) (int, error) {
	r := c.lib.fetch(c.conn, s)
	if r == nil {
		return 0, errNoResult
	}
	defer c.lib.destroy(r)
	if msg := c.lib.resultError(r); msg != "" {
		return 0, parseException(msg)
	}
	piece := c.view(r)
	if len(piece) == 0 {
		return 0, nil
	}
	return w.Write(piece)
}

// insertFrom runs an INSERT whose data comes from r. Nothing is inserted when r fails or is empty.
func (c *connection) insertFrom(r io.Reader, query, format string, params []parameter) (result, error) {
	ins := c.start(c.lib.insert, query, format, params)
	if ins == nil {
		return result{}, errNoResult
	}
	defer c.lib.insertDestroy(ins)
	if msg := c.lib.insertError(ins); msg != "" {
		return result{}, parseException(msg)
	}
	n, err := io.CopyBuffer(insertWriter{c, ins}, onlyReader{r}, make([]byte, 1<<20))
	if err == nil && n == 0 {
		err = newException(codeNoData, "NO_DATA_TO_INSERT", "No data to insert")
	}
	if err != nil {
		c.lib.insertCancel(ins)
		return result{}, err
	}
	return c.take(c.lib.insertDone(ins))
}

// onlyReader hides WriteTo, which would hand over all data in one piece that C then copies.
type onlyReader struct{ io.Reader }

type insertWriter struct {
	c   *connection
	ins unsafe.Pointer
}

func (w insertWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.c.lib.insertAppend(w.ins, unsafe.Pointer(&p[0]), uintptr(len(p))) != 0 {
		return 0, parseException(w.c.lib.insertError(w.ins))
	}
	return len(p), nil
}

// statementClass is what the engine's parser says of a text.
type statementClass struct {
	statements uint32
	readOnly   bool
}

// classify parses a text without running it. A text that cannot be parsed has the class of a write
// and one statement, so that running it gives the engine's own message.
func (c *connection) classify(query string) statementClass {
	out := struct{ size, count, flags, class uint32 }{size: 16}
	q := append([]byte(query), 0)
	if c.lib.classify(c.conn, unsafe.Pointer(&q[0]), uintptr(len(query)), nil, 0, unsafe.Pointer(&out)) != 0 {
		return statementClass{statements: 1}
	}
	return statementClass{statements: out.count, readOnly: out.class == 0}
}
