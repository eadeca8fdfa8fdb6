package broker_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"throng/internal/broker"
)

func TestTLS(t *testing.T) {
	// The certificate for 127.0.0.1, and a client that trusts it, come from net/http/httptest.
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.TLS(&tls.Config{Certificates: web.TLS.Certificates}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addrs := cluster.ListenAddrs()
	trusting := web.Client()
	defer trusting.CloseIdleConnections()

	c, err := broker.Open(t.Context(), broker.Options{
		Addrs:             addrs,
		TLS:               trusting.Transport.(*http.Transport).TLSClientConfig,
		ReplicationFactor: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	topic := newTopic(t, c)
	all := numbered("m", 40) // over the three brokers
	produce(t, c, topic, all...)
	s := subscribe(t, c, topic)
	messages := fetch(t, s, len(all))
	if err := s.Commit(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := broker.Open(t.Context(), broker.Options{Addrs: addrs, TLS: &tls.Config{}}); err == nil {
		t.Error("a certificate that nobody vouches for was accepted")
	}
}
