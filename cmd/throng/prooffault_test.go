package main_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// gate stands between one process and the engine, so that a test can do something at an exact
// statement: nothing in the program has to know of it.
type gate struct {
	addr, engine string

	mu     sync.Mutex // guards what follows
	faults []*fault
	lies   func(statement string) bool
}

// fault happens once, at the nth statement that has all the words.
type fault struct {
	what   string
	words  []string
	nth    int
	after  bool // the engine has done it; the answer is lost
	passes bool // the answer, or the statement, goes on
	act    func()
	fired  bool
}

func newGate(t *testing.T, engine string) *gate {
	t.Helper()
	g := &gate{engine: engine}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	g.addr = srv.Listener.Addr().String()
	return g
}

// arm prepares a fault.
func (g *gate) arm(f *fault) *fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.nth = max(f.nth, 1)
	g.faults = append(g.faults, f)
	return f
}

// lie lets the engine not hear of statements, which are answered as if it had.
func (g *gate) lie(about func(statement string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lies = about
}

// check fails the test for faults that did not happen: what they are for was not tested.
func (g *gate) check(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		if !f.fired {
			t.Errorf("the occasion did not come: %s", f.what)
		}
	}
}

// due is the fault that happens at a statement, and whether the statement is swallowed.
func (g *gate) due(statement string) (now *fault, lie bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		if f.fired || !hasAll(statement, f.words) {
			continue
		}
		if f.nth--; f.nth == 0 {
			f.fired = true
			return f, false
		}
	}
	return nil, g.lies != nil && g.lies(statement)
}

func hasAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	q := r.URL.Query()
	statement := q.Get("query") + string(body) + " " + q.Get("param_table") + " " + q.Get("param_partition")
	f, lie := g.due(statement)
	if f != nil && !f.after {
		f.act()
		if !f.passes {
			panic(http.ErrAbortHandler)
		}
	}
	if lie {
		return
	}
	g.forward(w, r, body, f)
}

func (g *gate) forward(w http.ResponseWriter, r *http.Request, body []byte, f *fault) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", g.engine
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	res, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if f != nil && f.after {
		f.act()
		if !f.passes {
			panic(http.ErrAbortHandler)
		}
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	w.Write(answer)
}
