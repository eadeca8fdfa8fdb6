package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
)

func TestErrorsCarryTheCode(t *testing.T) {
	e := openEngine(t, t.TempDir())
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	run(t, e.RoundTripper(), "DROP TABLE to_cells")
	run(t, e.RoundTripper(), "DROP TABLE events SYNC")
	data, rows, _ := sample(t, 0)
	err := s.InsertBlock(t.Context(), blockID(0), rows, data)
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) || ex.Code != 60 || throng.IsRetryable(err) {
		t.Fatalf("error is %v", err)
	}
	if strings.Contains(err.Error(), "DB::Exception") || !strings.Contains(err.Error(), "UNKNOWN_TABLE") {
		t.Errorf("error reads %v", err)
	}
}

// An engine in this process ends a result that it cannot finish with the error itself.
func TestAnErrorInAResultCarriesTheCode(t *testing.T) {
	e := openEngine(t, t.TempDir())
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	run(t, e.RoundTripper(), "DROP TABLE open_units SYNC")
	run(t, e.RoundTripper(), "CREATE VIEW open_units AS SELECT tuple(toDate(20000)) AS _partition_value, number + throwIf(number = 3000000) AS unit, number AS cell, false AS opted_out, number AS network FROM numbers(4000000)")
	rows := 0
	err := s.Units(t.Context(), throng.Day(20000).Period(), 0, ^throng.UnitToken(0), func(r throng.UnitRows) error {
		rows += len(r.Unit)
		return nil
	})
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) || ex.Code != 395 || rows == 0 {
		t.Fatalf("error after %d rows is %v", rows, err)
	}
	if strings.Contains(err.Error(), "DB::Exception") || !strings.Contains(err.Error(), "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO") {
		t.Errorf("error reads %v", err)
	}
}

func TestRetryableCodes(t *testing.T) {
	for code, want := range map[int]bool{241: true, 243: true, 252: true, 202: true, 47: false, 60: false, 27: false, 516: false} {
		answer := roundTripper(func(r *http.Request) (*http.Response, error) {
			text := fmt.Sprintf("Code: %d. DB::Exception: it is what it is. (SOME_NAME)", code)
			return &http.Response{StatusCode: 500, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}, Request: r}, nil
		})
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: answer})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil || throng.IsRetryable(err) != want {
			t.Errorf("code %d: %v is retryable %t", code, err, throng.IsRetryable(err))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestServerThatIsAway(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	addr := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{Addr: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); !throng.IsRetryable(err) {
		t.Errorf("error is %v", err)
	}
	// Not even its own statements are quoted: their parameters can be of a person.
	_, _, err = s.CountMatched(t.Context(), throng.HoldMatch{Site: "www", Path: "/marked"})
	if err == nil || strings.Contains(err.Error(), "marked") || strings.Contains(err.Error(), "?") || !strings.Contains(err.Error(), addr) {
		t.Errorf("error is %v, want the address of the server and nothing of the statement", err)
	}
}

func TestStoreOverASocket(t *testing.T) {
	e := openEngine(t, t.TempDir())
	defer e.Close()
	var user, password string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		e.Handler().ServeHTTP(w, r)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{
		Addr: []string{strings.TrimPrefix(srv.URL, "http://")}, User: "loader", PasswordFile: file, NoBackstop: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Ping(t.Context()), s.Migrate(t.Context())); err != nil {
		t.Fatal(err)
	}
	data, rows, want := sample(t, 0)
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, count(t, s)); diff != "" {
		t.Error(diff)
	}
	if user != "loader" || password != "s3cret" {
		t.Errorf("user %q, password %q", user, password)
	}
}

func TestOptionsExclude(t *testing.T) {
	for name, o := range map[string]clickhouse.Options{
		"nothing":         {},
		"both":            {Transport: http.DefaultTransport, Addr: []string{"a:1"}},
		"user and engine": {Transport: http.DefaultTransport, User: "u"},
		"no such file":    {Addr: []string{"a:1"}, PasswordFile: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := clickhouse.Open(context.Background(), o); err == nil {
			t.Errorf("%s: it opened", name)
		}
	}
}

func TestCancelledInsert(t *testing.T) {
	s := clickhousetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data, rows, _ := sample(t, 0)
	err := s.InsertBlock(ctx, blockID(0), rows, data)
	if !errors.Is(err, context.Canceled) || throng.IsRetryable(err) {
		t.Errorf("error is %v", err)
	}
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Error(fmt.Errorf("the next insert: %w", err))
	}
}
