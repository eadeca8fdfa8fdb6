package embedded

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// WithPassword serves next to whoever shows the password in one of the ways in which ClickHouse's
// clients do: HTTP basic authentication, the header X-ClickHouse-Key, or the parameter password. The
// engine has one user, so the user's name means nothing. /ping is answered to everyone, as by a server.
func WithPassword(next http.Handler, password string) http.Handler {
	want := sha256.Sum256([]byte(password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(shown(r)))
		if r.URL.Path != "/ping" && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			(&output{w: w}).fail(newException(codeAuthentication, "AUTHENTICATION_FAILED", "Authentication failed: password is incorrect"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func shown(r *http.Request) string {
	if key := r.Header.Get("X-ClickHouse-Key"); key != "" {
		return key
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	return r.URL.Query().Get("password")
}
