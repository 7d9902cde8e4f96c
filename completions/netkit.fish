# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_netkit_global_optspecs
    string join \n h/help V/version
end

function __fish_netkit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_netkit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_netkit_using_subcommand
    set -l cmd (__fish_netkit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c netkit -n "__fish_netkit_needs_command" -s h -l help -d 'Print help'
complete -c netkit -n "__fish_netkit_needs_command" -s V -l version -d 'Print version'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "dial" -d 'Connect to a target: which address answers, how long each stage takes, and who said no'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "heartbeat" -d 'Watch targets: when one fails, why, how soon that was noticed, and how it came back'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "listen" -d 'Be the other end: an echo server, or one that behaves as badly as asked, and tell what comes'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "parse-addr" -d 'Say what an address is, compute with networks, find addresses in text'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "resolve" -d 'Ask name servers: what they really say, over which transport, and what went wrong on the way'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "demo" -d 'Run every subcommand against servers of its own on loopback and show what comes out'
complete -c netkit -n "__fish_netkit_needs_command" -f -a "generate" -d 'Write completions, man pages, the JSON Schema or the README\'s help block'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l targets -d 'Reads targets from a file, one a line, `#` comments; `-` is standard input' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l network -d 'The network, for targets that do not name one [default: tcp]' -r -f -a "tcp\t''
tcp4\t''
tcp6\t''
udp\t''
udp4\t''
udp6\t''
unix\t''
unixgram\t''"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l ns -d 'Asks this name server instead of the system\'s (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l policy -d 'Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX; followed while netkit runs' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l region -d 'The region that rules of the policy may ask for' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s t -l timeout -d 'Bounds the whole dial: resolve, connect, exchange [default: 5s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l attempt-timeout -d 'Bounds the connection attempt to one address' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l attempt-delay -d 'Pause before the next address is tried beside the last, at least 10ms [default: 250ms; go 300ms, curl 200ms]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l strategy -d 'Dials as that client would [default: rfc8305]' -r -f -a "rfc8305\t'Happy Eyeballs v2'
go\t'Go\'s net.Dialer: two families 300 ms apart, serial inside each'
curl\t'curl: two families 200 ms apart, serial inside each'
serial\t'One address after the other, as nc'"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l sni -d 'Asks for this name and verifies it; `none` asks for no name [default: the target\'s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l alpn -d 'Offers these protocols, the preferred first (`h2,http/1.1`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l ca -d 'Trusts the certificates (PEM) in this file or folder, and no others; a server\'s own may be among them [default: the system\'s]' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l tls-min -d 'The oldest version to accept [default: 1.2]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l tls-max -d 'The newest version to offer [default: 1.3]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l cert -d 'Our own certificate and those above it (PEM), for a server that asks' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l key -d 'The key of --cert (PEM: PKCS#8, PKCS#1 or SEC1)' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l starttls -d 'Asks for TLS in the words of this protocol first' -r -f -a "smtp\t''
imap\t''
pop3\t''
postgres\t''
mysql\t''
ldap\t''
xmpp\t''
ftp\t''"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l spiffe-id -d 'The peer must be this workload, `spiffe://trust-domain/path`; names of hosts do not count then' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l spiffe-trust-domain -d 'The peer must be a workload of this trust domain' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l spiffe-bundle -d 'The authorities of the trust domain (PEM), instead of --ca' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l spiffe-socket -d 'Takes our own certificate, and with --spiffe-id or --spiffe-trust-domain whom to trust, from the Workload API at this socket (`unix:/path`, `tcp://IP:PORT`) [default: with those two and without --spiffe-bundle, `SPIFFE_ENDPOINT_SOCKET`]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l spiffe-svid -d 'Of the identities that the Workload API offers, the one with this hint or this SPIFFE ID [default: the first]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l fail-if -d 'Fails if this holds in the end (`cert_days<14`, `tls_ms>200`; may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l send -d 'Sends text, with C escapes (`PING\\r\\n`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l send-hex -d 'Sends bytes in hexadecimal' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l send-file -d 'Sends the content of a file' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l expect -d 'Succeeds only if this text, with C escapes, comes back' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l expect-regex -d 'Succeeds only if what comes back matches; a match has at most 64 KiB' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l read -d 'Reads until that many bytes have come; 0 does not wait for a reply' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l replay -d 'Plays the client\'s side of a connection that `listen --record` has written, each piece at its recorded time, and fails if the server says anything else than was recorded' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l replay-connection -d 'With `--replay`: the connection with this number (`id`) in the record [default: the first]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l keepalive -d 'Idle time before the first keepalive probe [default: 15s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l keepalive-interval -d 'Time between keepalive probes [default: 15s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l keepalive-count -d 'Unanswered probes until the connection is given up [default: 9]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l user-timeout -d 'How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l hold -d 'Keeps the connection open that long and counts the probes' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l local-addr -d 'Source address, with a port if it matters. As in Go and curl, this group is about the connection: name servers are asked from wherever the system likes' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l interface -d 'Network interface to leave by (`SO_BINDTODEVICE`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l mark -d 'Firewall mark (`SO_MARK`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l tos -d 'Type-of-service byte' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l dscp -d 'Differentiated services code point: a number or a name (`ef`, `af41`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l ttl -d 'Time to live, or hop limit' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l mss -d 'Maximum segment size to announce (`TCP_MAXSEG`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l congestion -d 'Congestion control algorithm (`TCP_CONGESTION`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l nodelay -d 'Sends small segments at once (`TCP_NODELAY`) [default: on]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l close -d 'How the connection is closed [default: fin]' -r -f -a "fin\t'Politely'
rst\t'At once, leaving no `TIME_WAIT` behind'"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s c -l count -d 'Dials that often, on a schedule that does not wait for slow replies; 0: until Ctrl-C' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s i -l interval -d 'Time from one probe to the next, at least 1ms [default: 1s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s P -l parallel -d 'Dials under way at once [default: what the descriptor limit allows]' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l wait -d 'Retries for that long, until every target answers (pauses grow from 100ms to 5s)' -r
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l wait-for -d 'What to wait for [default: open]' -r -f -a "open\t'The dial succeeds'
closed\t'Nobody serves there any more'"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l only -d 'Of many targets, show only those that ended so (may be given more than once)' -r -f -a "open\t'Connected, or replied'
refused\t'RST, or ICMP port unreachable'
filtered\t'Silence'
unreachable\t'Unreachable or rejected'
no-reply\t'UDP: sent, and nothing came back'
unresolved\t'The name did not resolve'
failed\t'Everything else'"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l progress -d 'When to show progress on standard error' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s u -l udp -d 'Short for --network udp'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l race-all -d 'Lets the losers of the race finish, and reports them'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l tls -d 'Speaks TLS on every target, as `tls://host:port` does on one'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l insecure -d 'Goes on whatever the certificate is like; what is wrong with it is reported all the same'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l session-resumption -d 'Shakes hands a second time, to see whether the session is resumed'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l show-chain -d 'Prints the certificates that the peer sent (PEM)'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l banner -d 'Waits for the server to speak first'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l shutdown-write -d 'Closes the sending side after sending, and reads to the end'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l stdio -d 'Connects standard input and output to the connection, as nc'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l replay-fast -d 'With `--replay`: says each piece as soon as the server has said what it had said before it'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l no-keepalive -d 'Sends no keepalive probes'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l fastopen -d 'Puts data into the SYN where the server allows it (RFC 7413)'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l mptcp -d 'Multipath TCP, falling back to TCP (RFC 8684)'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l reuse -d 'With `--count` and `--send`: each probe is a request on a connection that an earlier one left'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l any -d 'One of the targets is enough'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l json -d 'Prints JSON Lines'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -l pretty -d 'Prints indented JSON'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s q -l quiet -d 'Prints nothing but errors'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s v -l verbose -d 'Prints more: all attempts, everything received; of many targets, each with its evidence'
complete -c netkit -n "__fish_netkit_using_subcommand dial" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l targets -d 'Reads targets from a file, one a line, `#` comments; `-` is standard input' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l network -d 'The network, for targets that do not name one [default: tcp]' -r -f -a "tcp\t''
tcp4\t''
tcp6\t''
udp\t''
udp4\t''
udp6\t''
unix\t''
unixgram\t''"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l ns -d 'Asks this name server instead of the system\'s (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l policy -d 'Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX; followed while netkit runs' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l region -d 'The region that rules of the policy may ask for' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l probe -d 'What a beat is [default: connect]' -r -f -a "connect\t'A connection of its own for every beat'
echo\t'A nonce on a persistent session, which must come back (`netkit listen`)'
line\t'A line on a persistent session, which a line must follow'
dns\t'A question to a name server'"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l send -d 'With `line`: what is sent, with C escapes [default: `HEARTBEAT\\n`]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l expect -d 'With `line`: what the line that comes back must contain, with C escapes [default: anything]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l query -d 'With `dns`: the name to ask for, and of which type [default: the root\'s NS]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l sni -d 'Asks for this name and verifies it; `none` asks for no name [default: the target\'s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l alpn -d 'Offers these protocols, the preferred first (`h2,http/1.1`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l ca -d 'Trusts the certificates (PEM) in this file or folder, and no others; a server\'s own may be among them [default: the system\'s]' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l tls-min -d 'The oldest version to accept [default: 1.2]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l tls-max -d 'The newest version to offer [default: 1.3]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l cert -d 'Our own certificate and those above it (PEM), for a server that asks' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l key -d 'The key of --cert (PEM: PKCS#8, PKCS#1 or SEC1)' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l starttls -d 'Asks for TLS in the words of this protocol first' -r -f -a "smtp\t''
imap\t''
pop3\t''
postgres\t''
mysql\t''
ldap\t''
xmpp\t''
ftp\t''"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l spiffe-id -d 'The peer must be this workload, `spiffe://trust-domain/path`; names of hosts do not count then' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l spiffe-trust-domain -d 'The peer must be a workload of this trust domain' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l spiffe-bundle -d 'The authorities of the trust domain (PEM), instead of --ca' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l spiffe-socket -d 'Takes our own certificate, and with --spiffe-id or --spiffe-trust-domain whom to trust, from the Workload API at this socket (`unix:/path`, `tcp://IP:PORT`) [default: with those two and without --spiffe-bundle, `SPIFFE_ENDPOINT_SOCKET`]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l spiffe-svid -d 'Of the identities that the Workload API offers, the one with this hint or this SPIFFE ID [default: the first]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s i -l interval -d 'Time from one beat to the next, at least 1ms [default: 1s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s t -l timeout -d 'How long a reply may take, at least 1ms [default: the interval, at most 2s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l interval-suspect -d 'The interval while the target is suspect [default: the interval]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l interval-down -d 'The interval while it is down [default: the interval]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s c -l count -d 'Beats per target; 0: until Ctrl-C [default: 0]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l for -d 'Sends beats for that long' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l detector -d 'What makes a target down [default: consecutive]' -r -f -a "consecutive\t'So many failures in a row'
window\t'A share of the last beats'
phi\t'A silence that is improbable after the replies so far'"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l fall -d 'Failures in a row that make it down [default: 3]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l rise -d 'Replies in a row that bring it up again [default: 1]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l suspect-after -d 'Suspect when a beat has waited that long for its reply [default: 3s, or an interval before it is down]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l window -d 'With `window`: beats looked back at [default: 10]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l window-min -d 'With `window`: beats before anything is said [default: 5, at most the window]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l failure-rate -d 'With `window`: failed beats of a hundred that make it down [default: 50]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l slow-after -d 'With `window`: a reply that takes longer is slow [default: none is]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l slow-rate -d 'With `window`: slow replies of a hundred that make it suspect [default: 50]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l phi -d 'With `phi`: how improbable a silence is before it is down, as -log10 [default: 8]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l phi-pause -d 'With `phi`: a pause that is always accepted [default: 3s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l backoff-min -d 'The shortest pause between attempts to connect again [default: 100ms]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l backoff-max -d 'The longest pause [default: 5s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l give-up-after -d 'Gives a target up that long after its session was lost; or `never` [default: 30s with --count, --for or --until, else never]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l connect-timeout -d 'Bounds one attempt to connect a session [default: 2s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l pool -d 'With `echo` and `line`: targets at one address share at most that many connections; each beat has one for itself, and waits for one until its timeout [default: each target keeps its own]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l breaker -d 'A circuit breaker: `failures=5,open=10s,half-open=1`; what is left out has these values' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l fail-if -d 'Ends with 5 if this holds of any target at the end: `loss>1% or p99>20ms or state==down`, with TLS `cert_days<14`' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l until -d 'Ends with 0 as soon as this holds of every target: `up>=3`' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l on-down -d 'Runs this with sh(1) when a target goes down' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l on-up -d 'Runs this when it comes up again, or for the first time' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l on-change -d 'Runs this at every change of state' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l keepalive -d 'Idle time before the first keepalive probe [default: 15s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l keepalive-interval -d 'Time between keepalive probes [default: 15s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l keepalive-count -d 'Unanswered probes until the connection is given up [default: 9]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l user-timeout -d 'How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l local-addr -d 'Source address, with a port if it matters. As in Go and curl, this group is about the connection: name servers are asked from wherever the system likes' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l interface -d 'Network interface to leave by (`SO_BINDTODEVICE`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l mark -d 'Firewall mark (`SO_MARK`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l tos -d 'Type-of-service byte' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l dscp -d 'Differentiated services code point: a number or a name (`ef`, `af41`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l ttl -d 'Time to live, or hop limit' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l mss -d 'Maximum segment size to announce (`TCP_MAXSEG`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l congestion -d 'Congestion control algorithm (`TCP_CONGESTION`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l nodelay -d 'Sends small segments at once (`TCP_NODELAY`) [default: on]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l close -d 'How the connection is closed [default: fin]' -r -f -a "fin\t'Politely'
rst\t'At once, leaving no `TIME_WAIT` behind'"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l progress -d 'When to show progress on standard error' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l metrics -d 'Answers scrapes there with OpenMetrics (`127.0.0.1:9100`, GET /metrics)' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l replay -d 'Sends no beats: plays what `heartbeat --json` has printed through eleven detectors, and tells how soon each would have noticed the outages and how often it would have been wrong' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l outage-min -d 'With `--replay`: a silence of at least that was an outage [default: five intervals]' -r
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s u -l udp -d 'Short for --network udp'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l tls -d 'Speaks TLS on every target, as `tls://host:port` does on one'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l insecure -d 'Goes on whatever the certificate is like; what is wrong with it is reported all the same'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l session-resumption -d 'Shakes hands a second time, to see whether the session is resumed'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l show-chain -d 'Prints the certificates that the peer sent (PEM)'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l no-keepalive -d 'Sends no keepalive probes'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l fastopen -d 'Puts data into the SYN where the server allows it (RFC 7413)'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l mptcp -d 'Multipath TCP, falling back to TCP (RFC 8684)'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l json -d 'Prints JSON Lines'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l pretty -d 'Prints indented JSON'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s q -l quiet -d 'Prints nothing but errors'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s v -l verbose -d 'Prints more: all attempts, everything received; of many targets, each with its evidence'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -l live -d 'Redraws one table of all targets in place instead of printing a line a beat'
complete -c netkit -n "__fish_netkit_using_subcommand heartbeat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l network -d 'The network, for addresses that do not name one [default: tcp]' -r -f -a "tcp\t''
tcp4\t''
tcp6\t''
udp\t''
udp4\t''
udp6\t''
unix\t''
unixgram\t''"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l greet -d 'Speaks first, with C escapes, and closes' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l then -d 'What follows the greeting, instead of the close' -r -f -a "echo\t'Sends back what comes'"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l respond -d 'Says this, with C escapes, once the peer has said something, and closes; @FILE is a file\'s content' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l exec -d 'Gives each connection to a program, run by `sh -c`, as its standard input and output' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l script -d 'Follows a script: a step a line, `send TEXT`, `expect TEXT`, `wait TIME`, `echo`, `reset`, `close`' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l forward -d 'Passes each connection on to this service: `host:port`, `tls://host:port`, `unix:/path`, `udp://host:port`, `unixgram:/path`; without a network, that of the addresses. A client that sends datagrams from a Unix socket without a name is passed on, and gets no answer' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -s t -l timeout -d 'Bounds the dial to the service: resolve and connect [default: 5s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l ns -d 'Asks this name server for the service\'s address instead of the system\'s (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l forward-ca -d 'Whom to trust about a service at `tls://`: certificates (PEM) of a file, or of a folder [default: the system\'s]' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l mirror -d 'Sends a copy of what clients say on connections to this service too, and throws its replies away. It is never waited for: what it is too slow to take (1 MiB a connection) is dropped and counted' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l proxy-protocol -d 'Tells the service who the client is, by a PROXY header of this version; one at `tls://` is told before TLS begins' -r -f -a "v1\t'As a line of text'
v2\t'In binary'"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l record -d 'Writes every piece that passes on connections to this file, as JSON Lines: connection, direction, time, bytes. What was in it is lost; it is made for its owner alone' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l control -d 'Takes orders on this socket, a JSON object a line: `{"faults":["up:delay=1s"]}` changes the faults, `{"list":true}` lists the connections' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l cert -d 'The certificate, then those above it (PEM); read again on SIGHUP and when it changes' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l key -d 'Its key (PEM: PKCS#8, PKCS#1, SEC1)' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l client-ca -d 'Asks clients for a certificate, and believes those of these authorities (PEM)' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l spiffe-socket -d 'Takes the certificate, and the authorities of clients, from the Workload API of SPIFFE at this socket (`unix:/path`, `tcp://IP:PORT`) [default: with --tls and without --cert, `SPIFFE_ENDPOINT_SOCKET`]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l spiffe-svid -d 'Of the identities that the Workload API offers, the one with this hint or this SPIFFE ID [default: the first]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l allow-spiffe-id -d 'Lets in only clients with this SPIFFE ID (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l alpn -d 'Protocols to agree on, the preferred first: `h2,http/1.1`' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l tls-min -d 'The oldest version [default: 1.2]' -r -f -a "1.2\t'TLS 1.2'
1.3\t'TLS 1.3'"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l tls-max -d 'The newest version [default: 1.3]' -r -f -a "1.2\t'TLS 1.2'
1.3\t'TLS 1.3'"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l fault -d 'Misbehaves; may be given more than once, and for a share of the connections.' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l seed -d 'Where chance starts from: the same seed strikes the same connections [default: 0]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l max-connections -d 'Connections at once [default: what the descriptor limit leaves]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l max-per-ip -d 'Connections at once from one address; one more is rejected, or reset with --overload reset: nobody waits or makes room for it' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l accept-rate -d 'Connections accepted a second' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l idle-timeout -d 'Closes a connection that says nothing for so long' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l max-lifetime -d 'Closes a connection that is as old as this' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l max-bytes -d 'Closes a connection that has sent so many bytes, once they are answered' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l overload -d 'What happens at a limit [default: wait]' -r -f -a "wait\t'Stops accepting, so that the kernel\'s backlog queues'
reject\t'Accepts and closes'
reset\t'Accepts and resets'
close-idle\t'Closes the connection that has been idle longest'"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l shed-above -d 'Rejects a second above which everything is reset for a second [default: 1000]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -s c -l count -d 'Serves so many connections; 0 goes on until Ctrl-C' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l for -d 'Serves that long' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l grace -d 'How long connections that are not idle have to end once it stops; what is left is reset [default: 5s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l workers -d 'Threads that serve [default: as many as are of use, at most one a processor]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l interface -d 'Network interface to accept from (`SO_BINDTODEVICE`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l backlog -d 'Connections that may wait to be accepted [default: the kernel\'s maximum]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l keepalive -d 'Idle time before the first keepalive probe [default: 15s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l keepalive-interval -d 'Time between keepalive probes [default: 15s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l keepalive-count -d 'Unanswered probes until the connection is given up [default: 9]' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l user-timeout -d 'How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l dump -d 'Shows the first bytes of each connection, as text or hex [default form: text]' -r -f -a "text\t'As text, with escapes'
hex\t'In hexadecimal, 16 a line'"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l stats-interval -d 'Shows statistics that often' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l metrics -d 'Answers scrapes there with OpenMetrics (`127.0.0.1:9100`, GET /metrics); `:9100` is all addresses' -r
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l progress -d 'When to show progress on standard error' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand listen" -s u -l udp -d 'Short for --network udp'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l echo -d 'Sends back what comes (the default)'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l discard -d 'Throws away what comes (RFC 863)'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l chargen -d 'Sends characters without end (RFC 864)'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l daytime -d 'Sends the time of day and closes (RFC 867)'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l heartbeat -d 'Answers `ACK\\n` to each line'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l http -d 'Answers HTTP requests with 200 and what was asked'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l stdio -d 'Connects one connection to standard input and output, as nc -l'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l mirror-compare -d 'Compares the mirror\'s replies with those of the service, and tells where they differ'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l accept-proxy-protocol -d 'Expects a PROXY header (of either version) at the beginning of each connection, and refuses those without'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l tls -d 'Speaks TLS with its clients, by the certificate of --cert and --key'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l tls-self-signed -d 'Speaks TLS by a certificate made up for this run, and prints that of the authority that signed it, for clients to trust'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l require-client-cert -d 'Refuses clients without one'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l once -d 'Serves one connection and ends with its outcome'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l reuse-port -d 'Lets other processes listen at the same port; the kernel shares connections out'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l fastopen -d 'Takes data in the SYN (TCP Fast Open, RFC 7413)'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l mptcp -d 'Multipath TCP (RFC 8684)'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l allow-amplification -d 'Answers datagrams of other machines without limit, of any length'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l no-keepalive -d 'Sends no keepalive probes'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l syn -d 'Shows the SYN of each connection: its options, TTL and window'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l summary -d 'Shows no line per connection: statistics and the summary only'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l json -d 'Prints JSON Lines'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -l pretty -d 'Prints indented JSON'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -s q -l quiet -d 'Prints nothing but errors'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -s v -l verbose -d 'Prints more: all attempts, everything received; of many targets, each with its evidence'
complete -c netkit -n "__fish_netkit_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l input -d 'Reads one input a line from a file; `-` is standard input' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l as -d 'What the text is taken for; auto recognises it' -r -f -a "auto\t''
ip\t''
addr\t''
cidr\t''
prefix\t''
addrport\t''
hostport\t''
tcp\t''
udp\t''
ip-addr\t''
port\t''
mac\t''
range\t''"
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l network -d 'Go\'s network for --as tcp, udp, ip-addr and port: tcp, tcp4, tcp6, udp, …, ip4:icmp' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l nat64 -d 'Looks for IPv4 behind this NAT64 prefix too (RFC 6052; may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l ns -d 'Asks this name server instead of the system\'s (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -s t -l timeout -d 'Bounds the lookup of one host [default: 5s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l policy -d 'Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX; followed while netkit runs' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l region -d 'The region that rules of the policy may ask for' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l contains -d 'Whether each network holds these addresses or networks (status 1 if one does not)' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l overlaps -d 'Whether each network has an address in common with this one (status 1 if one has not)' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l split -d 'The parts of that length, lazily' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l split-into -d 'That many parts, as equal as can be' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l supernet -d 'The network of that length around each' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l nth -d 'The address at that place: 0 is the first, -1 the last' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l random -d 'Addresses drawn at random [default: 1]' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l seed -d 'Draws the same addresses again' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l exclude -d 'The addresses of all inputs that are not in these networks' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l intersect -d 'The addresses of all inputs that are in these networks' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l in -d 'Prints the lines that hold an address of these networks, or of the networks in these files' -r
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l resolve -d 'Looks up hosts that are names'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l hosts -d 'All addresses a host may have'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l aggregate -d 'The fewest networks with the addresses of all inputs'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l summarize -d 'The fewest networks that cover each range (`first-last`)'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l sort -d 'The inputs in order: IPv4 first, then by address, then the larger network'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l unique -d 'Each input once'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -s v -l invert -d 'Prints the other lines'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l any -d 'Any address of a line may match [default]'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l first -d 'Only the first address of a line counts'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l count -d 'Prints how many lines there are instead'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -s s -l short -d 'Prints the canonical text only'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l json -d 'Prints JSON Lines'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l pretty -d 'Prints indented JSON'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -l brief -d 'With --json: only what it is and whether it is valid'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -s q -l quiet -d 'Prints nothing: the status tells'
complete -c netkit -n "__fish_netkit_using_subcommand parse-addr" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l type -d 'A record type: a name, any case, or TYPE65280 (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l name -d 'A name, even if it looks like a type (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s x -l reverse -d 'The name of an address: its PTR records (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l ns -d 'Asks this name server instead of the system\'s, as @SERVER (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l ns-mode -d 'What is done with several servers [default: first]' -r -f -a "first\t'One after the other, until one knows'
race\t'All at once, the first that knows'
all\t'All at once, a result each'"
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s t -l timeout -d 'Bounds each question: all servers, names, tries and handshakes together [default: 5s]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l tries -d 'How often silent servers are asked; the timeout is divided by it [default: resolv.conf\'s, or 2]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l class -d 'Class of the questions, by name or as CLASS65280 [default: IN]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l opcode -d 'What kind of message is sent, by name or as OPCODE7 [default: QUERY]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l bufsize -d 'UDP payload size to announce, in octets [default: 1232]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l edns-version -d 'Version of EDNS; a server that does not know it must say BADVERS [default: 0]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l cookie -d 'Sends a cookie: a new one, or this one, with the server\'s half behind ours (RFC 7873)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l padding -d 'Pads questions to a multiple of BLOCK octets; 128 without a number, and over TLS, HTTPS and QUIC without the flag (RFC 8467)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l subnet -d 'On whose behalf is asked; 0.0.0.0/0 is nobody\'s (RFC 7871)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l edns-option -d 'Any EDNS option: its code or name, and its data (may be given more than once)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l trust-anchor -d 'Begins at the keys in this file instead: DS or DNSKEY records of the root or any zone, as in a zone file' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l roots -d 'Begins the trace at this server instead of the root\'s (may be given more than once). Its port is that of all servers of the trace' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l local-addr -d 'Source address of every question, with a port if it matters' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l source-port -d 'Source port of every question; they then go one after the other' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l interface -d 'Network interface to leave by (`SO_BINDTODEVICE`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l mark -d 'Firewall mark (`SO_MARK`)' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l ca -d 'Certificates to trust over TLS and QUIC instead of the system\'s: a file (PEM), or a folder of them' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l hosts-file -d 'The hosts file [default: /etc/hosts]' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l resolv-conf -d 'The system\'s configuration [default: /etc/resolv.conf]' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l policy -d 'Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX; followed while netkit runs' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l region -d 'The region that rules of the policy may ask for' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s c -l count -d 'Asks N times: latency percentiles, loss, what the TTL does; 0 goes on until interrupted' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l until -d 'Ends the watch once the answer holds this record: `A=192.0.2.1`' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s i -l interval -d 'Time from one question to the next [default: 1s with --count, the TTL with --watch]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l input -d 'Asks for every name of a file, `name` or `name TYPE` a line; `-` is standard input' -r -F
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l rate -d 'Datagrams a second, all servers together [default: what each server takes without loss]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l max-inflight -d 'Names under way at once [default: 8192]' -r
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l json -d 'Prints JSON Lines, one a question; `--json=rfc8427` prints the reply alone, in the form of RFC 8427' -r -f -a "netkit\t'The report'
rfc8427\t'The reply alone, as RFC 8427 has it'"
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l progress -d 'When to show progress on standard error' -r -f -a "auto\t'On a terminal'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s 4 -l ipv4 -d 'Asks for A only, or over IPv4 only where the server is a name'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s 6 -l ipv6 -d 'Asks for AAAA only, or over IPv6 only where the server is a name'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l strict-errors -d 'Ends at the first error that may pass, as Go\'s `StrictErrors`: no further name of the search list, and a failed AAAA fails a name whose A was found'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l tcp -d 'TCP from the start'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l udp-only -d 'UDP and nothing else, of any server'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l no-tcp-fallback -d 'No TCP instead of UDP: a truncated reply stays one, a silent server stays silent'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l no-rd -d 'RD not set: the server is to say only what it knows itself'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l ad -d 'AD: asks for the server\'s own verdict on DNSSEC'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l cd -d 'CD: takes data whose validation fails as well'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l z -d 'The bit of the header that has no meaning; a server must answer all the same'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l random-case -d 'The letters of the name in random case, which the reply must repeat (0x20)'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l no-edns -d 'No EDNS: no OPT record at all'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l do -d 'DO: asks for signatures and proofs as well'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l nsid -d 'Asks the server who it is (RFC 5001)'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l dnssec -d 'Validates what the server says, by the keys of the root: every RRset secure, insecure, bogus or indeterminate, with the link that breaks named. The server is asked for DS and DNSKEY records too, with CD set. Bogus and indeterminate answers end with status 5'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l trace -d 'Follows the delegations from the root down, and asks every name server of every zone on the way: time, referral, glue, DS, servers that are lame or silent, name servers that parent and zone do not agree on. Without a type asks for A'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l anti-spoof -d 'Guards UDP against forged answers: random case in the name, a cookie, and a wait of 50 ms for a second answer that says something else'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l check-server -d 'Tests the servers with questions about a name that they know, a verdict a test: UDP, TCP, EDNS with options and versions that nobody knows, DO, cookies, payload sizes, whether TCP has what did not fit UDP, pipelining, the case of names, NSID, unknown types'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l hosts -d 'Looks into the hosts file first, with --ns too'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l no-hosts -d 'Does not look into the hosts file'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l compare-system -d 'Asks getaddrinfo too, as every other program does, and shows why it differs'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l compare -d 'Asks all servers and shows how their answers differ (status 5 if they do)'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l watch -d 'Asks again when the TTL is over, and prints changes only'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l ordered -d 'Prints the results in the order of the input'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l no-cache -d 'Asks again for what was answered before and still holds'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l short -d 'Prints the data of the answers and nothing else, one a line'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l zone-format -d 'Prints the answers as lines of a zone file'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -l pretty -d 'Prints indented JSON'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s q -l quiet -d 'Prints nothing but errors'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s v -l verbose -d 'Prints more: every try, all sections, what was sent and what came back'
complete -c netkit -n "__fish_netkit_using_subcommand resolve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c netkit -n "__fish_netkit_using_subcommand demo" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t''
never\t''"
complete -c netkit -n "__fish_netkit_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and not __fish_seen_subcommand_from completions man schema readme-help" -s h -l help -d 'Print help'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and not __fish_seen_subcommand_from completions man schema readme-help" -f -a "completions" -d 'A completion script'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and not __fish_seen_subcommand_from completions man schema readme-help" -f -a "man" -d 'The man pages: one file each into a directory, or the first to standard output'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and not __fish_seen_subcommand_from completions man schema readme-help" -f -a "schema" -d 'The JSON Schema of every line that --json prints'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and not __fish_seen_subcommand_from completions man schema readme-help" -f -a "readme-help" -d 'The help block of README.md'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c netkit -n "__fish_netkit_using_subcommand generate; and __fish_seen_subcommand_from readme-help" -s h -l help -d 'Print help'
