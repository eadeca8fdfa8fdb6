package main_test

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
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority makes certificates that no system trusts.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, file string) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Throng's tests"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, file)
	return a
}

// server writes a certificate for loopback addresses and its key.
func (a *authority) server(cert, key string) {
	_, k := a.issue(&x509.Certificate{SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}, cert)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	writeFile(a.t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// issue signs a certificate, the first one by itself, and writes it.
func (a *authority) issue(c *x509.Certificate, file string) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	writeFile(a.t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// A store that speaks TLS under a private authority is reached by those who know the authority and the password, and
// by nobody else.
func TestStoreOverTLS(t *testing.T) {
	requireEngine(t)
	dir, addr := testDir(t), freeAddr(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	newAuthority(t, at("ca.pem")).server(at("cert.pem"), at("key.pem"))
	newAuthority(t, at("other.pem"))
	writeFile(t, at("password"), "correct horse\n")
	writeFile(t, at("wrong"), "battery staple\n")
	output(t, nil, "keys", "init", "--dir", at("server"))
	startService(t, dir, "engine", nil, "engine", "serve", "--dir", at("server"), "--listen", addr,
		"--password-file", at("password"), "--tls-cert", at("cert.pem"), "--tls-key", at("key.pem"))
	migrate := func(tls, password string) (string, error) {
		writeFile(t, at("throng.yaml"), fmt.Sprintf("dir: %s/state\nsites: [{id: www}]\nstore: {addr: %q, database: default, user: any, password_file: %s/%s, tls: {%s}}\n", dir, addr, dir, password, tls))
		out, err := exec.Command("throng", "migrate", "--config", at("throng.yaml")).CombinedOutput()
		return string(out), err
	}
	trusted := "enabled: true, ca_file: " + at("ca.pem")
	waitFor(t, drainTime, "the engine", func() (bool, string) {
		out, err := migrate(trusted, "password")
		return err == nil, out
	})
	if out, err := migrate(trusted, "password"); err != nil || !strings.HasPrefix(out, "ok: ") {
		t.Errorf("again: %v, %s", err, out)
	}
	for _, tt := range []struct{ name, tls, password, says string }{
		{"another authority", "enabled: true, ca_file: " + at("other.pem"), "password", "certificate signed by unknown authority"},
		{"the system's authorities", "enabled: true", "password", "certificate signed by unknown authority"},
		{"another name", trusted + ", server_name: clickhouse.example", "password", "certificate is"},
		{"no TLS", "", "password", "migrate store"},
		{"another password", trusted, "wrong", "AUTHENTICATION_FAILED"},
	} {
		if out, err := migrate(tt.tls, tt.password); err == nil || !strings.Contains(out, tt.says) {
			t.Errorf("%s: %v, %s", tt.name, err, out)
		} else {
			t.Logf("%s: %s", tt.name, out)
		}
	}
}
