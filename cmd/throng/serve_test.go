package main

import (
	"bytes"
	"context"
	"log" //nolint:depguard // net/http writes to it
	"net"
	"net/http"
	"os"
	"testing"
)

// What net/http says of a request that panics names the client's address.
func TestServingLogsNoAddress(t *testing.T) {
	var out bytes.Buffer
	log.SetOutput(&out)
	defer log.SetOutput(os.Stderr)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serveHTTP(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("here") }))(ctx)
	}()
	if res, err := http.Get("http://" + l.Addr().String()); err == nil {
		res.Body.Close()
		t.Error("a request that panicked was answered")
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("logged %q", out.String())
	}
}
