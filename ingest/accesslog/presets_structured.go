package accesslog

// structuredPresets are the formats whose lines name their fields.
func structuredPresets() []Preset {
	return []Preset{
		{
			Name:  "json",
			Title: "JSON lines with the usual keys",
			Snippets: []Snippet{{Server: "nginx", Language: "nginx", Text: `log_format json escape=json
    '{"time_iso8601":"$time_iso8601","remote_addr":"$remote_addr","request":"$request",'
    '"status":$status,"body_bytes_sent":$body_bytes_sent,"host":"$host",'
    '"http_referer":"$http_referer","http_user_agent":"$http_user_agent",'
    '"http_dnt":"$http_dnt","http_sec_gpc":"$http_sec_gpc"}';
access_log /var/log/nginx/access.json json;`}},
			Notes: "One object a line, with keys as they are common among users of nginx and Caddy; the NDJSON of `throng parse` too.",
			keys:  jsonKeys,
			weigh: always,
		},
	}
}
