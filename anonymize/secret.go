package anonymize

import "bytes"

// secretNames are the names of parameters and segments behind which a secret stands, whatever it looks
// like: "/reset-password/hunter2", "/index.php/PHPSESSID=x".
var secretNames = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range []string{
		"token", "access_token", "access-token", "accesstoken", "refresh_token", "id_token", "csrf", "csrf_token", "csrftoken", "xsrf",
		"auth_token", "authtoken", "auth-token", "bearer", "jwt", "apikey", "api_key", "api-key", "secret", "client_secret",
		"password", "passwd", "pwd", "passcode", "otp", "pin", "ssn", "signature", "sig", "hmac",
		"reset-password", "reset_password", "resetpassword", "password-reset", "password_reset", "passwordreset",
		"magic", "magic-link", "magic_link", "magiclink", "unsubscribe", "invite", "invitation", "verify-email", "verify_email",
		"sid", "ssid", "session", "sessionid", "session_id", "session-id", "sess", "phpsessid", "jsessionid", "aspsessionid", "asp.net_sessionid",
		"cfid", "cftoken", "zenid", "oscsid", "connect.sid", "email", "e-mail", "mail", "phone", "tel",
	} {
		m[name] = true
	}
	return m
}()

const maxSecretName = 24

// isSecretName looks a name up in any case.
func isSecretName(name []byte) bool {
	if len(name) > maxSecretName {
		return false
	}
	var lower [maxSecretName]byte
	n := copy(lower[:], name)
	for i, c := range lower[:n] {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	return secretNames[string(lower[:n])]
}

// holdsSecret tells whether a segment is, or has in it, the name of a secret with its value: "sid=1".
func holdsSecret(s []byte) bool {
	for {
		i := bytes.IndexByte(s, '=')
		if i < 0 {
			return false
		}
		name := s[bytes.LastIndexAny(s[:i], "&,!$|")+1 : i]
		if isSecretName(name) {
			return true
		}
		s = s[i+1:]
	}
}

// cutParameters cuts off what servers take for parameters: matrix parameters, ";a=b", and a query whose
// question mark is missing, "&a=b".
func cutParameters(segment []byte) []byte {
	segment, _, _ = bytes.Cut(segment, []byte{';'})
	if i := bytes.IndexByte(segment, '&'); i >= 0 && bytes.IndexByte(segment[i:], '=') >= 0 {
		segment = segment[:i]
	}
	return segment
}

// isSessionSegment knows the segment that ASP.NET puts into the path of visitors without cookies:
// "(S(lit3py55t21z5v55vlm25s55))", with A, F or X for other tickets. The page is the same without.
func isSessionSegment(s []byte) bool {
	return len(s) > 5 && s[0] == '(' && isLetter(s[1]) && s[2] == '(' && bytes.HasSuffix(s, []byte("))"))
}
