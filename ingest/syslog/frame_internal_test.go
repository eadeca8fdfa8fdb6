package syslog

import (
	"bytes"
	"testing"
)

// Whatever a connection sends, its messages are parts of it, in order, none longer than allowed, and reading ends.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("5 hello<13>plain\n"))
	f.Add([]byte("192.0.2.7 a plain line\n1048577 x"))
	f.Add([]byte("3 a\nb7 "))
	f.Fuzz(func(t *testing.T, sent []byte) {
		r, rest := newFrames(bytes.NewReader(sent)), sent
		for {
			msg, err := r.next()
			if err != nil {
				return
			}
			i := bytes.Index(rest, msg)
			if i < 0 || len(msg) > MaxMessage {
				t.Fatalf("a message of %d bytes is no part of what is left", len(msg))
			}
			if len(rest) == 0 {
				t.Fatal("messages without end")
			}
			rest = rest[max(i+len(msg), min(len(rest), 1)):]
		}
	})
}
