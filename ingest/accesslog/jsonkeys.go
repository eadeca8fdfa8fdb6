package accesslog

// The keys of JSON logs, server by server. A key with a dot leads into an object, or is one that has a
// dot in its name.

// jsonKeys are all that follow. Where two servers mean different things by one key, the first counts.
var jsonKeys = merge(nginxKeys, caddyKeys, traefikKeys, envoyKeys, cloudflareKeys, cloudFrontKeys, wafKeys, apiGatewayKeys)

// nginxKeys are those of nginx formats with escape=json as they are passed around, of the Elastic Common
// Schema, of load balancers' tables in SQL, and of NDJSON records.
var nginxKeys = []spellings{
	{remoteAddr, "remote_addr client_ip remote_ip clientip client_addr source.ip client.ip source.address network.client.ip remote_host"},
	{forwardedFor, "http_x_forwarded_for x_forwarded_for forwarded_for xff X-Forwarded-For"},
	{remoteUser, "remote_user user user_id user.name"},
	{timestamp, "time_iso8601 time_local msec time ts timestamp @timestamp"},
	{request, "request request_line"},
	{method, "request_method method verb http.request.method http.method request_verb"},
	{target, "request_uri target uri url path url.original http.url request_url"},
	{query, "args query_string query url.query"},
	{protocol, "server_protocol protocol proto http.version request_proto"},
	{status, "status status_code response_status http.response.status_code http.status_code elb_status_code"},
	{size, "body_bytes_sent bytes_sent bytes size response_size http.response.body.bytes http.response.bytes network.bytes_written sent_bytes"},
	{referer, "http_referer referer referrer http_referrer http.request.referrer http.referer"},
	{userAgent, "http_user_agent user_agent useragent agent user_agent.original http.useragent"},
	{host, "domain host http_host vhost server_name url.domain"},
	{requestTime, "request_time duration responsetime event.duration:ns"},
	{dnt, "http_dnt dnt"},
	{gpc, "http_sec_gpc sec_gpc gpc"},
	{cookie, "http_cookie cookie"},
	{consent, "consent sent_http_tk http_x_consent"},
}

// caddyKeys are those of Caddy 2: https://caddyserver.com/docs/logging.
var caddyKeys = []spellings{
	{remoteAddr, "request.client_ip request.remote_ip request.remote_addr"},
	{forwardedFor, "request.headers.X-Forwarded-For"},
	{remoteUser, "user_id"},
	{timestamp, "ts"},
	{method, "request.method"},
	{target, "request.uri"},
	{protocol, "request.proto"},
	{status, "status"},
	{size, "size"},
	{referer, "request.headers.Referer"},
	{userAgent, "request.headers.User-Agent"},
	{host, "request.host"},
	{requestTime, "duration"},
	{dnt, "request.headers.Dnt request.headers.DNT"},
	{gpc, "request.headers.Sec-Gpc"},
	{cookie, "request.headers.Cookie"},
	{consent, "resp_headers.Tk"},
}

// traefikKeys are those of Traefik's access log: https://doc.traefik.io/traefik/observability/access-logs.
var traefikKeys = []spellings{
	{remoteAddr, "ClientHost ClientAddr"},
	{forwardedFor, "request_X-Forwarded-For"},
	{remoteUser, "ClientUsername"},
	{timestamp, "StartUTC StartLocal time"},
	{method, "RequestMethod"},
	{target, "RequestPath"},
	{protocol, "RequestProtocol"},
	{status, "DownstreamStatus OriginStatus"},
	{size, "DownstreamContentSize OriginContentSize"},
	{referer, "request_Referer"},
	{userAgent, "request_User-Agent"},
	{host, "RequestHost RequestAddr"},
	{requestTime, "Duration:ns"},
	{dnt, "request_Dnt"},
	{gpc, "request_Sec-Gpc"},
	{cookie, "request_Cookie"},
	{consent, "downstream_Tk"},
}

// envoyKeys are those of Envoy's and Istio's usual json_format.
var envoyKeys = []spellings{
	{remoteAddr, "downstream_remote_address_without_port downstream_remote_address downstream_direct_remote_address_without_port downstream_direct_remote_address"},
	{forwardedFor, "x_forwarded_for"},
	{timestamp, "start_time"},
	{method, "method"},
	{target, "path"},
	{protocol, "protocol"},
	{status, "response_code"},
	{size, "bytes_sent"},
	{referer, "referer"},
	{userAgent, "user_agent"},
	{host, "authority"},
	{requestTime, "duration:ms"},
	{dnt, "dnt"},
	{gpc, "sec_gpc"},
}

// cloudflareKeys are those of Logpush's dataset http_requests; RequestHeaders are its custom fields.
var cloudflareKeys = []spellings{
	{remoteAddr, "ClientIP"},
	{forwardedFor, "RequestHeaders.x-forwarded-for"},
	{timestamp, "EdgeStartTimestamp EdgeEndTimestamp"},
	{method, "ClientRequestMethod"},
	{target, "ClientRequestURI ClientRequestPath"},
	{protocol, "ClientRequestProtocol"},
	{status, "EdgeResponseStatus"},
	{size, "EdgeResponseBytes EdgeResponseBodyBytes"},
	{referer, "ClientRequestReferer"},
	{userAgent, "ClientRequestUserAgent"},
	{host, "ClientRequestHost"},
	{dnt, "RequestHeaders.dnt"},
	{gpc, "RequestHeaders.sec-gpc"},
	{cookie, "RequestHeaders.cookie"},
	{consent, "ResponseHeaders.tk"},
}

// cloudFrontKeys are those of CloudFront's standard logging (v2) in JSON, and of its W3C logs.
var cloudFrontKeys = []spellings{
	{remoteAddr, "c-ip"},
	{forwardedFor, "x-forwarded-for:encoded"},
	{timestamp, "timestamp(ms) timestamp"},
	{datePart, "date"},
	{clockPart, "time"},
	{method, "cs-method"},
	{target, "cs-uri-stem"},
	{query, "cs-uri-query"},
	{protocol, "cs-protocol-version"},
	{status, "sc-status"},
	{size, "sc-bytes"},
	{referer, "cs(Referer):encoded"},
	{userAgent, "cs(User-Agent):encoded"},
	{host, "x-host-header cs(Host)"},
	{requestTime, "time-taken"},
	{cookie, "cs(Cookie):encoded"},
}

// wafKeys are those of AWS WAF's web ACL traffic log. It has the request's header fields as a list of
// names and values.
var wafKeys = []spellings{
	{remoteAddr, "httpRequest.clientIp"},
	{forwardedFor, "httpRequest.headers.x-forwarded-for"},
	{timestamp, "timestamp"},
	{method, "httpRequest.httpMethod"},
	{target, "httpRequest.uri"},
	{query, "httpRequest.args"},
	{protocol, "httpRequest.httpVersion"},
	{status, "responseCodeSent"},
	{referer, "httpRequest.headers.referer"},
	{userAgent, "httpRequest.headers.user-agent"},
	{host, "httpRequest.headers.host"},
	{dnt, "httpRequest.headers.dnt"},
	{gpc, "httpRequest.headers.sec-gpc"},
	{cookie, "httpRequest.headers.cookie"},
}

// apiGatewayKeys are those that the AWS console proposes for API Gateway's access log.
var apiGatewayKeys = []spellings{
	{remoteAddr, "ip sourceIp identity.sourceIp"},
	{remoteUser, "user caller"},
	{timestamp, "requestTime requestTimeEpoch"},
	{method, "httpMethod"},
	{target, "path resourcePath"},
	{protocol, "protocol"},
	{status, "status"},
	{size, "responseLength"},
	{userAgent, "userAgent"},
	{host, "domainName"},
	{requestTime, "responseLatency:ms"},
}
