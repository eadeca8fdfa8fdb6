package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"throng"
	"throng/ingest"
)

// pack compresses a file as rotation does, into FILE.gz or FILE.zst, and removes it.
func (s *site) pack(name, suffix string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path+suffix, packed(s.t, b, suffix), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		s.t.Fatal(err)
	}
}

func packed(t *testing.T, b []byte, suffix string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if suffix == ".zst" {
		var err error
		if w, err = zstd.NewWriter(&out); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCompressedHistory(t *testing.T) {
	for name, steps := range map[string]func(*site){
		"there at the first start": func(s *site) {
			for i, suffix := range []string{".gz", ".zst", ".gz"} {
				s.write(700)
				name := fmt.Sprintf("access.log.%d", 3-i)
				s.rename(name)
				s.pack(name, suffix)
			}
			s.write(30)
			s.run()
		},
		"nothing but compressed files": func(s *site) {
			s.write(700)
			s.rename("access.log.1")
			s.pack("access.log.1", ".gz")
			s.run()
		},
		"an unterminated last line": func(s *site) {
			s.write(99)
			s.append("not terminated")
			s.wrote++
			s.rename("access.log.1")
			s.pack("access.log.1", ".zst")
			s.run()
		},
		"compressed after it was read": func(s *site) {
			s.run()
			s.write(100)
			s.arrived()
			s.rename("access.log.1")
			s.write(20)
			s.arrived()
			s.pack("access.log.1", ".gz")
			s.write(20)
			s.arrived()
			s.clock.move(3 * time.Minute)
		},
		"compressed long after it was read": func(s *site) {
			s.run()
			s.write(100)
			s.arrived()
			s.rename("access.log.1")
			s.write(20)
			s.arrived()
			s.clock.move(3 * time.Minute)
			s.write(20)
			s.arrived()
			s.clock.move(3 * time.Minute)
			s.restart()
			s.pack("access.log.1", ".zst")
		},
		"compressed while stopped, with unread lines": func(s *site) {
			s.run()
			s.write(100)
			s.arrived()
			s.stopped(func() { s.write(130); s.rename("access.log.1"); s.pack("access.log.1", ".gz"); s.write(20) })
		},
		"compressed while stopped, all read": func(s *site) {
			s.run()
			s.write(100)
			s.arrived()
			s.stopped(func() { s.rename("access.log.1"); s.pack("access.log.1", ".gz"); s.write(20) })
		},
		"copytruncate and compressed while stopped": func(s *site) {
			s.run()
			s.write(100)
			s.arrived()
			s.stopped(func() { s.write(130); s.copytruncate("access.log.1"); s.pack("access.log.1", ".gz"); s.write(20) })
		},
		"renamed from day to day": func(s *site) {
			s.run()
			s.write(100)
			s.rename("access.log.1")
			s.pack("access.log.1", ".gz")
			s.arrived()
			for i := range 3 {
				s.write(10)
				if err := os.Rename(filepath.Join(s.dir, fmt.Sprintf("access.log.%d.gz", i+1)), filepath.Join(s.dir, fmt.Sprintf("access.log.%d.gz", i+2))); err != nil {
					s.t.Fatal(err)
				}
				s.arrived()
			}
		},
		"a copy of it, in another form": func(s *site) {
			s.write(300)
			s.rename("access.log.1")
			b, err := os.ReadFile(filepath.Join(s.dir, "access.log.1"))
			if err != nil {
				s.t.Fatal(err)
			}
			for _, suffix := range []string{".gz", ".zst", ".copy.gz"} {
				if err := os.WriteFile(filepath.Join(s.dir, "access.log.1"+suffix), packed(s.t, b, suffix), 0o600); err != nil {
					s.t.Fatal(err)
				}
			}
			s.run()
		},
		"still being written": func(s *site) {
			s.write(3000)
			b, err := os.ReadFile(s.log())
			if err != nil {
				s.t.Fatal(err)
			}
			if err := os.Remove(s.log()); err != nil {
				s.t.Fatal(err)
			}
			gz := packed(s.t, b, ".gz")
			f, err := os.Create(filepath.Join(s.dir, "access.log.1.gz"))
			if err != nil {
				s.t.Fatal(err)
			}
			defer f.Close()
			s.run()
			for len(gz) > 0 {
				n := min(len(gz), 3000)
				if _, err := f.Write(gz[:n]); err != nil {
					s.t.Fatal(err)
				}
				gz = gz[n:]
				time.Sleep(10 * time.Millisecond) // a look at it falls between two writes, or not
			}
		},
		"headers that are all alike": func(s *site) {
			for i := range 3 {
				s.append("#Software: a server whose files all begin like this\n")
				s.wrote++
				s.write(50 + i)
				name := fmt.Sprintf("access.log.%d", 3-i)
				s.rename(name)
				s.pack(name, ".gz")
			}
			s.run()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.globs = []string{"access.log", "access.log.*", "access.l*"}
			steps(s)
			s.arrived()
			s.restart() // nothing comes twice
			s.write(7)
			s.arrived()
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestDamagedHistoryIsReadAsFarAsItGoes(t *testing.T) {
	s := newSite(t)
	s.globs = []string{"access.log*"}
	s.write(2000)
	s.rename("access.log.1")
	s.pack("access.log.1", ".gz")
	path := filepath.Join(s.dir, "access.log.1.gz")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "access.log.2.gz"), []byte("\x1f\x8b\x08 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.shipper(ingest.ShipOptions{Once: true}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.broker.lines(t); n == 0 || n >= 2000 {
		t.Errorf("%d of 2000 lines were read", n)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil { // it is whole now
		t.Fatal(err)
	}
	if err := s.shipper(ingest.ShipOptions{Once: true}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.arrived()
}

// The process dies at random messages while it reads history beside a log that grows.
func TestHistoryIsCountedOnce(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			s := newSite(t)
			s.globs = []string{"access.log*"}
			s.rows = 1 + rnd.IntN(80)
			for i := range 3 {
				s.write(1 + rnd.IntN(600))
				name := fmt.Sprintf("access.log.%d", 3-i)
				s.rename(name)
				s.pack(name, []string{".gz", ".zst"}[i%2])
			}
			for range 6 {
				s.write(1 + rnd.IntN(50))
				dies := s.broker.sent + 1 + rnd.IntN(20)
				s.broker.fault = func(n int) (bool, error) {
					switch {
					case n >= dies:
						return rnd.IntN(2) == 0, errCrash
					case rnd.IntN(4) == 0:
						return rnd.IntN(2) == 0, &throng.Retryable{Err: errors.New("broker restarts")}
					}
					return true, nil
				}
				if err := s.shipper(ingest.ShipOptions{Once: true}).Run(context.Background()); err != nil && !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
			s.broker.fault = nil
			if err := s.shipper(ingest.ShipOptions{Once: true}).Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			s.arrived()
		})
	}
}

// The log is rotated, compressed and shifted in every way while it grows and ships are stopped and
// started; nobody waits for anything.
func TestRotationUnderLoad(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 2))
			s := newSite(t)
			s.globs = []string{"access.log*"}
			s.rows = 20 + rnd.IntN(200)
			s.run()
			rotated := 0
			for range 60 {
				s.write(1 + rnd.IntN(300))
				name := fmt.Sprintf("access.log-%03d", rotated)
				switch rnd.IntN(8) {
				case 0:
					s.rename(name)
					rotated++
				case 1:
					s.rename(name)
					s.pack(name, []string{".gz", ".zst"}[rnd.IntN(2)])
					rotated++
				case 2:
					s.copytruncate(name)
					rotated++
				case 3:
					s.restart()
				case 4:
					s.clock.move(time.Minute)
				}
				time.Sleep(time.Duration(rnd.IntN(10)) * time.Millisecond) // how many looks fall between two steps is the input
			}
			s.arrived()
			s.restart()
			s.write(7)
			s.arrived()
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
