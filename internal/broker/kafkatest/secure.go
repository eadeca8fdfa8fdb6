package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Access is what a client of a secured cluster needs: files in PEM form, and each user's password.
type Access struct {
	// CAFile has the certificate that vouches for the brokers.
	CAFile string
	// CertFile and KeyFile are a certificate that the brokers take, and its key.
	CertFile, KeyFile string

	passwords string // folder of the passwords, each a file named like its user
}

// PasswordFile has the password of a user.
func (a Access) PasswordFile(user string) string { return filepath.Join(a.passwords, user) }

// Password is what is in PasswordFile.
func (a Access) Password(user string) string { return "password of " + user }

// Admin is the user that may do everything on a secured cluster. The brokers are it among each other.
const Admin = "admin"

// StartSecured is like [Start] for brokers that clients reach by TLS alone, with a certificate on both sides,
// as one of the users, who prove it by SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN. The brokers talk to each other by
// SCRAM-SHA-512; their controllers do not. A user but Admin may do nothing until Admin allows it (StandardAuthorizer).
func StartSecured(t testing.TB, dir string, n int, users ...string) (*Cluster, Access) {
	t.Helper()
	return StartBehind(t, dir, n, nil, users...)
}

// StartBehind is like [StartSecured] on a new dir, for brokers that clients, and the brokers among each other, reach by what front puts before each: it is
// given a broker's own address before that runs, and gives the one to tell others. Controllers talk to each other past it.
func StartBehind(t testing.TB, dir string, n int, front func(server string) (addr string), users ...string) (*Cluster, Access) {
	t.Helper()
	a, err := secure(dir, append(slices.Clone(users), Admin))
	if err != nil {
		t.Fatalf("secure Kafka: %v", err)
	}
	c := start(t, dir, n, front)
	c.access = &a
	return c, a
}

const securedProperties = `listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required%[4]s;
listener.name.client.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%[2]s" password="%[3]s";
ssl.keystore.type=PEM
ssl.keystore.location=%[1]s/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=%[1]s/ca.pem
listener.name.client.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:%[2]s;User:ANONYMOUS
` // ANONYMOUS are the controllers, each to the others; to CLIENT nobody comes without a name.

// secure writes what scripts/kafka.sh adds to the brokers' settings, and the clients' files. It does nothing
// where that was done.
func secure(dir string, users []string) (Access, error) {
	a := Access{
		CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "client.crt"), KeyFile: filepath.Join(dir, "client.key"),
		passwords: filepath.Join(dir, "passwords"),
	}
	extra := filepath.Join(dir, "extra.properties")
	if _, err := os.Stat(extra); err == nil {
		return a, nil
	}
	if err := os.MkdirAll(a.passwords, 0o700); err != nil {
		return a, err
	}
	files, err := certificates(dir, a)
	if err != nil {
		return a, err
	}
	var scram, plain strings.Builder
	for _, user := range users {
		files[a.PasswordFile(user)] = []byte(a.Password(user) + "\n")
		fmt.Fprintf(&plain, " user_%s=%q", user, a.Password(user))
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			fmt.Fprintf(&scram, "%s=[name=%s,password=%q]\n", mechanism, user, a.Password(user))
		}
	}
	files[filepath.Join(dir, "users")] = []byte(scram.String())
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return a, err
		}
	}
	return a, os.WriteFile(extra, fmt.Appendf(nil, securedProperties, dir, Admin, a.Password(Admin), plain.String()), 0o600)
}

// certificates makes an authority, and a certificate that it gave the brokers and one that it gave the clients.
func certificates(dir string, a Access) (files map[string][]byte, err error) {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	ca, err := issue(authority, authority, nil)
	if err != nil {
		return nil, err
	}
	broker, err := issue(leaf("broker", 2), authority, ca.key)
	if err != nil {
		return nil, err
	}
	client, err := issue(leaf("client", 3), authority, ca.key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		a.CAFile: ca.cert, a.CertFile: client.cert, a.KeyFile: client.private,
		filepath.Join(dir, "broker.pem"): append(broker.private, broker.cert...),
	}, nil
}

func leaf(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}

// issued is a certificate and its key, in PEM form too.
type issued struct {
	key           *ecdsa.PrivateKey
	cert, private []byte
}

// issue signs a certificate with the authority's key, or with its own where that is nil.
func issue(cert, authority *x509.Certificate, by *ecdsa.PrivateKey) (issued, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return issued{}, err
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, authority, key.Public(), by)
	if err != nil {
		return issued{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return issued{}, err
	}
	return issued{key,
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}, nil
}
