package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"throng/ingest"
)

// A file that is renamed between the listing of its directory and its opening is met under neither name. It is
// renamed all the time here while ships start; whatever they meet, no line is lost.
func TestAFileIsFoundWhileItIsRenamed(t *testing.T) {
	s := newSite(t)
	s.globs = []string{"access.log*"}
	for range 20 { // names that a listing has to pass
		s.write(1)
		s.rename(fmt.Sprintf("access.log.old-%02d", s.wrote))
	}
	s.write(30)
	s.rename("access.log-0")
	name := "access.log-0"
	if err := s.shipper(ingest.ShipOptions{Once: true}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.arrived()
	for i := range 40 {
		s.appendTo(filepath.Join(s.dir, name), s.lines(5))
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				to := fmt.Sprintf("access.log-%d-%d", i, n)
				if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(s.dir, to)); err != nil {
					t.Error(err)
					return
				}
				name = to
			}
		}()
		err := s.shipper(ingest.ShipOptions{Once: true}).Run(t.Context())
		close(stop)
		<-stopped
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.shipper(ingest.ShipOptions{Once: true}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.arrived()
}
