package broker_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"throng"
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
	roundTrip(t, c)
	if _, err := broker.Open(t.Context(), broker.Options{Addrs: addrs, TLS: &tls.Config{}}); err == nil {
		t.Error("a certificate that nobody vouches for was accepted")
	}
}

// roundTrip produces and consumes over all of the client's ways to a broker.
func roundTrip(t *testing.T, c *broker.Client) {
	t.Helper()
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
}

func TestSASL(t *testing.T) {
	for mechanism, method := range map[string]string{"plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.EnableSASL(), kfake.Superuser(method, "throng", "correct horse"))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			o := broker.Options{
				Addrs: cluster.ListenAddrs(), ReplicationFactor: 3,
				SASL: broker.SASL{Mechanism: mechanism, User: "throng", Password: "correct horse"},
			}
			c, err := broker.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			roundTrip(t, c)

			o.SASL.Password = "battery staple"
			_, err = broker.Open(t.Context(), o)
			if err == nil {
				t.Fatal("a wrong password was accepted")
			}
			if throng.IsRetryable(err) {
				t.Errorf("a wrong password is tried again: %v", err)
			}
			if strings.Contains(err.Error(), "battery") {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
	if _, err := broker.Open(t.Context(), broker.Options{Addrs: []string{"127.0.0.1:1"}, SASL: broker.SASL{Mechanism: "gssapi"}}); err == nil {
		t.Error("an unknown mechanism was accepted")
	}
}
