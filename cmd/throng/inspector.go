package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"throng"
	"throng/retention"
)

// inspector is a keeper that only reads, here or in another process.
type inspector interface {
	Inventory(ctx context.Context) ([]throng.Item, error)
	Plan(ctx context.Context, now time.Time) ([]retention.Deletion, error)
	Verify(ctx context.Context, now time.Time) (retention.Report, error)
}

const inspectPath = "/retention/"

// answer is what a process says of its retention. Error tells of stores that could not be asked.
type answer[T any] struct {
	Found T      `json:"found"`
	Error string `json:"error,omitempty"`
}

// withPlaces adds what a keeper finds to the admin pages, for `throng retention` on the same machine: the
// embedded engines are open in one process only.
func withPlaces(pages http.Handler, k inspector, clock throng.Clock) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	serveAnswer(mux, clock, "inventory", func(ctx context.Context, _ time.Time) ([]throng.Item, error) { return k.Inventory(ctx) })
	serveAnswer(mux, clock, "plan", k.Plan)
	serveAnswer(mux, clock, "verify", k.Verify)
	return mux
}

func serveAnswer[T any](mux *http.ServeMux, clock throng.Clock, what string, find func(context.Context, time.Time) (T, error)) {
	mux.HandleFunc("GET "+inspectPath+what, func(w http.ResponseWriter, r *http.Request) {
		now := clock.Now()
		if text := r.URL.Query().Get("now"); text != "" {
			var err error
			if now, err = time.Parse(time.RFC3339Nano, text); err != nil {
				http.Error(w, "now: want a time such as 2006-01-02T15:04:05Z", http.StatusBadRequest)
				return
			}
		}
		found, err := find(r.Context(), now)
		a := answer[T]{Found: found}
		if err != nil {
			a.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a) // the client is gone
	})
}

// remoteInspector asks the process that serves an admin address.
type remoteInspector struct{ admin string }

func (i remoteInspector) Inventory(ctx context.Context) ([]throng.Item, error) {
	return ask[[]throng.Item](ctx, i, "inventory", time.Time{})
}

func (i remoteInspector) Plan(ctx context.Context, now time.Time) ([]retention.Deletion, error) {
	return ask[[]retention.Deletion](ctx, i, "plan", now)
}

func (i remoteInspector) Verify(ctx context.Context, now time.Time) (retention.Report, error) {
	return ask[retention.Report](ctx, i, "verify", now)
}

// inspectTimeout bounds a look at all stores.
const inspectTimeout = time.Minute

func ask[T any](ctx context.Context, i remoteInspector, what string, now time.Time) (found T, err error) {
	address := "http://" + i.admin + inspectPath + what
	if !now.IsZero() {
		address += "?now=" + url.QueryEscape(now.UTC().Format(time.RFC3339Nano))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return found, err
	}
	res, err := (&http.Client{Timeout: inspectTimeout}).Do(req)
	if err != nil {
		return found, fmt.Errorf("the engines are open in another process, and it does not answer at listen.admin: %w", err)
	}
	defer res.Body.Close()
	var a answer[T]
	if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&a) != nil {
		return found, fmt.Errorf("the engines are open in another process, and what answers at listen.admin (%s) is no `throng serve`: %s", i.admin, res.Status)
	}
	if a.Error != "" {
		return a.Found, errors.New(a.Error)
	}
	return a.Found, nil
}
