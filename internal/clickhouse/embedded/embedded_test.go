package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"throng/internal/clickhouse/embedded"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("THRONG_TEST_ROLE"); role != "" {
		child(role, os.Getenv("THRONG_TEST_DIR"))
		return
	}
	os.Exit(m.Run())
}

// library is the engine's library; where there is none, the test is skipped and says so.
func library(t *testing.T) string {
	t.Helper()
	path, err := embedded.Find()
	if err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	return path
}

func open(t *testing.T, o embedded.Options) *embedded.Engine {
	t.Helper()
	library(t)
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	e, err := embedded.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// answer is what came back over HTTP.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) code() string { return a.header.Get("X-ClickHouse-Exception-Code") }

func post(ctx context.Context, rt http.RoundTripper, params url.Values, body io.Reader) (answer, error) {
	return send(ctx, rt, http.MethodPost, params, body)
}

func send(ctx context.Context, rt http.RoundTripper, method string, params url.Values, body io.Reader) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://engine/?"+params.Encode(), body)
	if err != nil {
		return answer{}, err
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(b), res.Header}, err
}

func query(t *testing.T, e *embedded.Engine, params url.Values, statement string) answer {
	t.Helper()
	a, err := post(t.Context(), e.RoundTripper(), params, strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustQuery(t *testing.T, e *embedded.Engine, statement string) string {
	t.Helper()
	a := query(t, e, nil, statement)
	if a.status != http.StatusOK {
		t.Fatalf("%s: %s", statement, a.body)
	}
	return strings.TrimSpace(a.body)
}

func TestStatements(t *testing.T) {
	e := open(t, embedded.Options{})
	mustQuery(t, e, "CREATE TABLE numbers_kept (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	tests := map[string]struct {
		method string
		params url.Values
		body   string
		want   string // of the body, trimmed
		code   string // of the exception
	}{
		"body":                {body: "SELECT 1 + 1", want: "2"},
		"parameter query":     {params: url.Values{"query": {"SELECT 2"}}, want: "2"},
		"both":                {params: url.Values{"query": {"SELECT"}}, body: "3", want: "3"},
		"get":                 {method: "GET", params: url.Values{"query": {"SELECT 4"}}, want: "4"},
		"format clause":       {body: "SELECT 5 AS n FORMAT JSONEachRow", want: `{"n":5}`},
		"default format":      {params: url.Values{"default_format": {"CSV"}}, body: "SELECT 'a', 1", want: `"a",1`},
		"query parameter":     {params: url.Values{"param_x": {"7"}}, body: "SELECT {x:UInt8} + 1", want: "8"},
		"setting":             {params: url.Values{"max_threads": {"3"}}, body: "SELECT getSetting('max_threads')", want: "3"},
		"database":            {params: url.Values{"database": {"system"}}, body: "SELECT name FROM one JOIN databases ON true WHERE name = 'system'", want: "system"},
		"comment first":       {body: "-- why\n/* what */ (SELECT 1)", want: "1"},
		"insert, data after":  {body: "INSERT INTO numbers_kept FORMAT TSV\n1\ta\n2\tb\n"},
		"insert, data apart":  {params: url.Values{"query": {"INSERT INTO numbers_kept FORMAT TSV"}}, body: "3\tc\n"},
		"insert values":       {body: "INSERT INTO numbers_kept VALUES (4, 'FORMAT; TSV')"},
		"insert select":       {body: "INSERT INTO numbers_kept SELECT 5, 'x'"},
		"unknown table":       {body: "SELECT * FROM nothing_here", code: "60"},
		"unknown setting":     {params: url.Values{"no_such_setting": {"1"}}, body: "SELECT 1", code: "115"},
		"bad setting name":    {params: url.Values{"a b": {"1"}}, body: "SELECT 1", code: "115"},
		"syntax":              {body: "SELEC 1", code: "62"},
		"empty":               {code: "62"},
		"two statements":      {body: "SELECT 1; DROP TABLE numbers_kept", code: "62"},
		"hidden in an insert": {body: "INSERT INTO numbers_kept SETTINGS max_threads=1; DROP TABLE numbers_kept; INSERT INTO x FORMAT TSV\n1", code: "62"},
		"empty insert":        {params: url.Values{"query": {"INSERT INTO numbers_kept FORMAT TSV"}}, code: "108"},
		"bad data":            {body: "INSERT INTO numbers_kept FORMAT TSV\nx\ty\n", code: "27"},
		"write by get":        {method: "GET", params: url.Values{"query": {"DROP TABLE numbers_kept"}}, code: "164"},
		"write when readonly": {params: url.Values{"readonly": {"1"}}, body: "INSERT INTO numbers_kept FORMAT TSV\n1\ta\n", code: "164"},
		"file":                {body: "SELECT * FROM file('/etc/passwd', 'LineAsString')", code: "497"},
		"url":                 {body: "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", code: "497"},
		"system":              {body: "SYSTEM SHUTDOWN", code: "497"},
		"session":             {params: url.Values{"session_id": {"1"}}, body: "SELECT 1", code: "48"},
		"compression":         {params: url.Values{"compress": {"1"}}, body: "SELECT 1", code: "48"},
		"error in a stream": {params: url.Values{"default_format": {"JSONEachRow"}},
			body: "SELECT throwIf(number = 3000000) AS n FROM numbers(4000000) SETTINGS max_threads=1", want: "…__exception__"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = http.MethodPost
			}
			a, err := send(t.Context(), e.RoundTripper(), method, tt.params, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if a.code() != tt.code {
				t.Fatalf("exception %q, want %q: %.300s", a.code(), tt.code, a.body)
			}
			if end, ok := strings.CutPrefix(tt.want, "…"); ok {
				if !strings.HasSuffix(strings.TrimSpace(a.body), end) || !strings.Contains(a.body, "Code: 395.") {
					t.Fatalf("end of body %.300q", a.body[max(0, len(a.body)-300):])
				}
			} else if tt.code == "" && strings.TrimSpace(a.body) != tt.want {
				t.Fatalf("body %q, want %q", a.body, tt.want)
			}
		})
	}
	if got := mustQuery(t, e, "SELECT count(), sum(n) FROM numbers_kept"); got != "5\t15" {
		t.Errorf("count and sum are %q", got)
	}
}

func TestSettingsDoNotStay(t *testing.T) {
	e := open(t, embedded.Options{})
	before := mustQuery(t, e, "SELECT getSetting('max_block_size'), currentDatabase()")
	for _, statement := range []string{"SELECT 1", "SELECT nothing", "SELEC"} {
		query(t, e, url.Values{"max_block_size": {"77"}, "database": {"system"}}, statement)
		query(t, e, url.Values{"max_block_size": {"77"}, "no_such_setting": {"1"}, "database": {"nowhere"}}, statement)
	}
	if after := mustQuery(t, e, "SELECT getSetting('max_block_size'), currentDatabase()"); after != before {
		t.Errorf("settings were %q, are %q", before, after)
	}
}

func TestConcurrentQueries(t *testing.T) {
	e := open(t, embedded.Options{})
	var wg sync.WaitGroup
	for g := range 48 { // more than there are connections
		wg.Go(func() {
			for i := range 40 {
				want := fmt.Sprint(g*1000 + i)
				params := url.Values{"param_n": {want}, "max_threads": {fmt.Sprint(1 + g%2)}}
				a, err := post(t.Context(), e.RoundTripper(), params, strings.NewReader("SELECT {n:UInt64}, getSetting('max_threads')"))
				if err != nil || strings.TrimSpace(a.body) != want+fmt.Sprintf("\t%d", 1+g%2) {
					t.Errorf("got %q, %v", a.body, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCancelEndsQuery(t *testing.T) {
	e := open(t, embedded.Options{})
	statements := map[string]string{
		"aggregation": "SELECT sum(sipHash64(number)) FROM numbers(1e13)",
		"stream":      "SELECT number FROM numbers(1e13) FORMAT JSONEachRow",
		"insert":      "INSERT INTO FUNCTION null('n UInt64') SELECT sipHash64(number) FROM numbers(1e13)",
	}
	for name, statement := range statements {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			started := time.AfterFunc(200*time.Millisecond, cancel)
			defer started.Stop()
			if _, err := post(ctx, e.RoundTripper(), nil, strings.NewReader(statement)); !errors.Is(err, context.Canceled) {
				t.Fatalf("error is %v", err)
			}
			deadline := time.Now().Add(time.Minute) // by itself it would run for hours
			for mustQuery(t, e, "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'") != "0" {
				if time.Now().After(deadline) {
					t.Fatal("the statement runs on a minute after it was cancelled")
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
}

// A client that asks for the result as a whole is not left to find an error in it.
func TestAnErrorEndsAResultThatIsReadWhole(t *testing.T) {
	e := open(t, embedded.Options{})
	params := url.Values{"default_format": {"Native"}, "wait_end_of_query": {"1"}}
	a, err := post(t.Context(), e.RoundTripper(), params, strings.NewReader("SELECT throwIf(number = 3000000) AS n FROM numbers(4000000) SETTINGS max_threads=1"))
	var x interface{ Exception() (int, string) }
	if !errors.As(err, &x) {
		t.Fatalf("error is %v after %d bytes", err, len(a.body))
	}
	if code, _ := x.Exception(); code != 395 || len(a.body) == 0 || strings.Contains(a.body, "exception") {
		t.Errorf("code %d after %d bytes", code, len(a.body))
	}
}

// An insert whose sender goes away in the middle inserts nothing.
func TestBrokenBodyInsertsNothing(t *testing.T) {
	e := open(t, embedded.Options{})
	mustQuery(t, e, "CREATE TABLE half (n UInt64) ENGINE = MergeTree ORDER BY n")
	broken := io.MultiReader(strings.NewReader(strings.Repeat("1\n", 100_000)), failingReader{})
	a, err := post(t.Context(), e.RoundTripper(), url.Values{"query": {"INSERT INTO half FORMAT TSV"}}, broken)
	if err != nil || a.code() == "" {
		t.Fatalf("answer %v %q, %v", a.status, a.body, err)
	}
	if n := mustQuery(t, e, "SELECT count() FROM half"); n != "0" {
		t.Errorf("%s rows are there", n)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("sender went away") }

func TestHandlerOverASocket(t *testing.T) {
	e := open(t, embedded.Options{})
	srv := httptest.NewServer(e.Handler())
	defer srv.Close()
	res, err := http.Post(srv.URL, "text/plain", strings.NewReader("SELECT 6 * 7"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || strings.TrimSpace(string(b)) != "42" {
		t.Errorf("got %q, %v", b, err)
	}
	ping, err := http.Get(srv.URL + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	defer ping.Body.Close()
	if b, _ := io.ReadAll(ping.Body); string(b) != "Ok.\n" {
		t.Errorf("ping gives %q", b)
	}
}

func TestPasswordInEveryWayOfClickHousesClients(t *testing.T) {
	e := open(t, embedded.Options{})
	srv := httptest.NewServer(embedded.WithPassword(e.Handler(), "correct horse"))
	defer srv.Close()
	for name, show := range map[string]func(r *http.Request, password string){
		"basic":     func(r *http.Request, password string) { r.SetBasicAuth("anyone", password) },
		"header":    func(r *http.Request, password string) { r.Header.Set("X-ClickHouse-Key", password) },
		"parameter": func(r *http.Request, password string) { r.URL.RawQuery = url.Values{"password": {password}}.Encode() },
	} {
		for password, want := range map[string]int{"correct horse": http.StatusOK, "battery staple": http.StatusForbidden, "": http.StatusForbidden} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader("SELECT 6 * 7"))
			if err != nil {
				t.Fatal(err)
			}
			show(r, password)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			if err := errors.Join(err, res.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != want || (want == http.StatusOK) != (strings.TrimSpace(string(b)) == "42") {
				t.Errorf("%s, %q: status %d, %q", name, password, res.StatusCode, b)
			}
		}
	}
}

// truncated is the library cut in the middle, as a sparse file: only its head is copied.
// stamped is a whole library with a stamp that was made for another.
// child is what this binary does when a test started it.
// killAfterLines kills a child without warning after it printed n lines and gives the number in the
// last whole line.
