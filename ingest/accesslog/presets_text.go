package accesslog

const (
	common   = `$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent`
	combined = common + ` "$http_referer" "$http_user_agent"`
	signals  = ` "$http_dnt" "$http_sec_gpc"`
)

// textPresets are the formats whose lines are values in a fixed order.
func textPresets() []Preset {
	return append(balancerPresets(), serverPresets()...)
}

// serverPresets are those of web servers.
func serverPresets() []Preset {
	return []Preset{
		{
			Name:  "combined_signals",
			Title: "Combined log format with the opt-out signals",
			Snippets: []Snippet{
				{Server: "nginx", Language: "nginx", Text: `log_format combined_signals '$remote_addr - $remote_user [$time_local] "$request" '
                            '$status $body_bytes_sent "$http_referer" "$http_user_agent" '
                            '"$http_dnt" "$http_sec_gpc"';
access_log /var/log/nginx/access.log combined_signals;`},
				{Server: "Apache", Language: "apache", Text: `LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" \"%{DNT}i\" \"%{Sec-GPC}i\"" combined_signals
CustomLog ${APACHE_LOG_DIR}/access.log combined_signals`},
			},
			Notes: "This is the format to choose where you can: it is the only one here that shows whether a visitor opted out. " +
				"Lines that end before the signals (written before the format was changed) are read as without signal.",
			layout: combined, optional: signals,
			weigh: weighSignals,
		},
		{
			Name:  "vhost_combined",
			Title: "Combined log format after the host",
			Snippets: []Snippet{{Server: "Apache", Language: "apache",
				Text: `LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined
CustomLog ${APACHE_LOG_DIR}/other_vhosts_access.log vhost_combined`}},
			Notes:  "The host may have a port or none. More fields may follow the user agent; they are not read.",
			layout: `$host ` + combined,
			weigh:  weighAddress,
		},
		{
			Name:  "combined",
			Title: "Combined log format",
			Snippets: []Snippet{
				{Server: "nginx", Language: "nginx", Text: `access_log /var/log/nginx/access.log combined;`},
				{Server: "Apache", Language: "apache", Text: `LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined
CustomLog ${APACHE_LOG_DIR}/access.log combined`},
				{Server: "Caddy, with the module transform-encoder", Language: "text", Text: `log {
    output file /var/log/caddy/access.log
    format transform ` + "`" + `{request>remote_ip} - {user_id} [{ts}] "{request>method} {request>uri} {request>proto}" {status} {size} "{request>headers>Referer>[0]}" "{request>headers>User-Agent>[0]}"` + "`" + ` {
        time_format "02/Jan/2006:15:04:05 -0700"
    }
}`},
			},
			Notes:  "More fields may follow the user agent; they are not read.",
			layout: combined,
			weigh:  always,
		},
		{
			Name:  "common",
			Title: "Common log format",
			Snippets: []Snippet{{Server: "Apache", Language: "apache", Text: `LogFormat "%h %l %u %t \"%r\" %>s %b" common
CustomLog ${APACHE_LOG_DIR}/access.log common`}},
			Notes:  "Nothing may follow the size. It has neither user agent nor referrer, so bots cannot be told from people.",
			layout: common,
			weigh:  always,
		},
	}
}

// balancerPresets are those of proxies, load balancers and stores. Those that are a web server's with
// more behind it come first.
func balancerPresets() []Preset { //nolint:revive // a table, not a procedure
	return []Preset{
		{
			Name:  "traefik",
			Title: "Traefik's common log format",
			Snippets: []Snippet{{Server: "Traefik, static configuration", Language: "yaml", Text: `accessLog:
  filePath: /var/log/traefik/access.log
  format: common
  fields:
    headers:
      names:
        User-Agent: keep
        Referer: keep`}},
			Notes: "Traefik drops header fields unless told to keep them; without the user agent bots cannot be told from people. " +
				"It cannot write the opt-out signals in this format: use `format: json` for them.",
			layout: `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %{requests}n "%{router}n" "%{server}n" %{ms}Tms`,
			weigh:  always,
		},
		{
			Name:  "ingress_nginx",
			Title: "Ingress-nginx's default format",
			Snippets: []Snippet{{Server: "ingress-nginx, its ConfigMap (this is the default)", Language: "yaml", Text: `data:
  log-format-upstream: >-
    $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
    $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr
    $upstream_response_length $upstream_response_time $upstream_status $req_id`}},
			Notes: "For the opt-out signals set `log-format-upstream` to the format of `combined_signals`. Behind a load balancer, " +
				"`use-forwarded-headers` makes nginx put the client's address where it is expected here.",
			layout: combined + ` $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr ` +
				`$upstream_response_length $upstream_response_time $upstream_status $req_id`,
			weigh: weighRequestTime,
		},
		{
			Name:  "haproxy",
			Title: "HAProxy's HTTP log format",
			Snippets: []Snippet{{Server: "HAProxy", Language: "haproxy", Text: `global
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog`}},
			Notes: "With captured header fields or without, which are not read; of `option httpslog` the TLS fields neither. Its time has no offset " +
				"and is read as UTC, so run HAProxy with `TZ=UTC`. It has neither user agent nor host. Lines that HAProxy sent to syslog have a " +
				"prefix, which the format `syslog` takes off. For `option httplog clf` take `combined`.",
			layout: `%a:%{remote}p [%{%d/%b/%Y:%T}t.%{msec_frac}t] %{frontend}n %{backend}n/%{server}n ` +
				`%{Tq}n/%{Tw}n/%{Tc}n/%{Tr}n/%{ms}T %>s %B %{cookies,counters,headers}n "%r"`,
			escaping: hash,
			weigh:    always,
		},
		{
			Name:  "aws_alb",
			Title: "Access log of AWS Application Load Balancers",
			Snippets: []Snippet{{Server: "AWS CLI", Language: "sh", Text: `aws elbv2 modify-load-balancer-attributes --load-balancer-arn "$ARN" \
    --attributes Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value="$BUCKET"`}},
			Notes: "It has no referrer and no opt-out signals.",
			layout: `$type $time_iso8601 $elb $remote_addr:$client_port $target $wait $work $answer $status $target_status ` +
				`$received $bytes_sent "$request" "$http_user_agent" $others`,
			weigh: always,
		},
		{
			Name:  "aws_elb",
			Title: "Access log of AWS Classic Load Balancers",
			Snippets: []Snippet{{Server: "AWS CLI", Language: "sh", Text: `aws elb modify-load-balancer-attributes --load-balancer-name "$NAME" \
    --load-balancer-attributes '{"AccessLog":{"Enabled":true,"S3BucketName":"'"$BUCKET"'","EmitInterval":5}}'`}},
			Notes: "It has no referrer and no opt-out signals. Lines of TCP listeners have no request and are no visits.",
			layout: `$time_iso8601 $elb $remote_addr:$client_port $backend $wait $work $answer $status $backend_status ` +
				`$received $bytes_sent "$request"`,
			optional: ` "$http_user_agent" $others`,
			weigh:    always,
		},
		{
			Name:  "aws_s3",
			Title: "Server access log of AWS S3",
			Snippets: []Snippet{{Server: "AWS CLI", Language: "sh", Text: `aws s3api put-bucket-logging --bucket "$BUCKET" --bucket-logging-status \
    '{"LoggingEnabled":{"TargetBucket":"'"$LOGS"'","TargetPrefix":"s3/"}}'`}},
			Notes: "The requester is read as the account. It has no opt-out signals, and its lines come hours late or never: see `release.lateness`.",
			layout: `%{owner}n %{bucket}n %t %a %u %{id}n %{operation}n %{key}n "%r" %>s %{error}n %B %{object_size}n %{ms}T %{turnaround}n ` +
				`"%{Referer}i" "%{User-Agent}i"`,
			optional: ` %{version}n %{host_id}n %{signature}n %{cipher}n %{authentication}n %{Host}i %{others}n`,
			weigh:    always,
		},
	}
}
