package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// handler is ClickHouse's HTTP interface over the engine's connections.
type handler struct{ engine *Engine }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ping" {
		io.WriteString(w, "Ok.\n")
		return
	}
	out := &output{w: w, version: h.engine.version}
	req, err := parseRequest(r)
	if err != nil {
		out.fail(err)
		return
	}
	w.Header().Set("X-ClickHouse-Server-Display-Name", "throng")
	w.Header().Set("X-ClickHouse-Query-Id", req.queryID)
	w.Header().Set("X-ClickHouse-Timezone", h.engine.zone)
	w.Header().Set("X-ClickHouse-Format", req.format)
	if isHandshake(req) {
		out.succeed(result{data: h.engine.handshake(req.revision)})
		return
	}
	out.unframed = req.unframed
	if err := h.run(r.Context(), req, out); err != nil {
		out.fail(err)
	}
}

// run lends the request a connection with its settings and ends the statement when ctx does.
func (h *handler) run(ctx context.Context, req *request, out *output) error {
	pool := h.engine.writers
	if req.readOnly {
		pool = h.engine.readers
	}
	var failed error // of the statement
	err := pool.with(ctx, func(c *connection) error {
		if failed = prepare(c, req); failed == nil {
			stop := h.killWhenDone(ctx, req.tag)
			failed = execute(c, req, out)
			stop()
		}
		return restore(c, req)
	})
	if failed != nil || !errors.Is(err, errBroken) {
		return errors.Join(failed, err)
	}
	// The statement succeeded and its answer is out; only the connection is lost.
	h.engine.log.Warn("connection to engine was dropped", slog.Int("code", asException(err).code))
	return nil
}

func prepare(c *connection, req *request) error {
	if err := c.exec(req.set()); err != nil {
		return err
	}
	if req.database == "" || req.database == "default" {
		return nil
	}
	return c.exec("USE " + identifier(req.database))
}

// restore puts the connection back as it was, also after a prepare that came half the way.
func restore(c *connection, req *request) error {
	if req.database != "" && req.database != "default" {
		if err := c.exec("USE default"); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	}
	err := c.exec(req.reset())
	var e *exception
	if errors.As(err, &e) && e.code == codeUnknownSet { // prepare told the client; nothing was set
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil
}

func execute(c *connection, req *request, out *output) error {
	if req.data != nil {
		if req.readOnly {
			return errReadOnly
		}
		r, err := c.insertFrom(req.data, req.statement, req.format, req.params)
		if err != nil {
			return err
		}
		out.succeed(r)
		return nil
	}
	class := c.classify(req.statement)
	if class.statements > 1 {
		return newException(codeSyntax, "SYNTAX_ERROR", "Multi-statements are not allowed")
	}
	if req.readOnly && !class.readOnly {
		return errReadOnly
	}
	if class.readOnly && req.streams() {
		if err := c.stream(out, req.statement, req.format, req.params); err != nil {
			return err
		}
		out.end()
		return nil
	}
	r, err := c.query(req.statement, req.format, req.params)
	if err != nil {
		return err
	}
	out.succeed(r)
	return nil
}

var errReadOnly = newException(codeReadonly, "READONLY", "Cannot execute query in readonly mode")

const killInterval = 50 * time.Millisecond

// killWhenDone ends the statement with this tag as soon as ctx is done: the C interface cannot cancel
// an aggregation, but another connection can. It tries again until stop is called, because the
// statement may not have begun. stop returns when nothing runs any more.
func (h *handler) killWhenDone(ctx context.Context, tag string) (stop func()) {
	finished, stopped := make(chan struct{}), make(chan struct{})
	kill := "KILL QUERY WHERE Settings['log_comment']=" + literal(tag) + " ASYNC"
	go func() {
		defer close(stopped)
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		tick := time.NewTicker(killInterval)
		defer tick.Stop()
		for {
			// A kill that fails is tried again; the statement's own result tells how it ended.
			_ = h.engine.control.with(context.WithoutCancel(ctx), func(c *connection) error { return c.exec(kill) })
			select {
			case <-finished:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(finished); <-stopped }
}

// output writes one response. After the first byte of a streamed result an error goes into the body,
// framed as a ClickHouse server frames it, or it ends the body where the client asked for the result as a whole.
type output struct {
	w        http.ResponseWriter
	version  string
	tag      string // set when the body has begun
	unframed bool
}

func (o *output) Write(p []byte) (int, error) {
	if o.tag == "" {
		o.begin()
	}
	return o.w.Write(p)
}

func (o *output) succeed(r result) {
	h := o.w.Header()
	h.Set("X-ClickHouse-Summary", fmt.Sprintf(`{"written_rows":"%d"}`, r.written))
	h.Set("Content-Length", strconv.Itoa(len(r.data)))
	o.w.WriteHeader(http.StatusOK)
	o.w.Write(r.data)
}

// end ends a streamed result. The driver reads an empty one by its length.
func (o *output) end() {
	if o.tag == "" {
		o.w.Header().Set("Content-Length", "0")
		o.w.WriteHeader(http.StatusOK)
	}
}

func (o *output) fail(err error) {
	e := asException(err)
	if a, ok := o.w.(interface{ abort(error) }); ok && o.tag != "" && o.unframed {
		a.abort(e)
		return
	}
	message := strings.TrimRight(e.message, "\n")
	if o.version != "" {
		message += " (version " + o.version + " (embedded))"
	}
	if o.tag != "" {
		fmt.Fprintf(o.w, "\r\n%s\r\n%s\r\n%s\n%d %s\r\n%s\r\n", frame, o.tag, message, len(message)+1, o.tag, frame)
		return
	}
	h := o.w.Header()
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code))
	if e.name != "" {
		h.Set("X-ClickHouse-Exception-Name", e.name)
	}
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	o.w.WriteHeader(e.status())
	io.WriteString(o.w, message+"\n")
}
