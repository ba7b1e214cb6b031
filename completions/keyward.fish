# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_keyward_global_optspecs
    string join \n config= ca-file= json q/quiet v/verbose color= h/help V/version
end

function __fish_keyward_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_keyward_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_keyward_using_subcommand
    set -l cmd (__fish_keyward_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c keyward -n "__fish_keyward_needs_command" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_needs_command" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_needs_command" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_needs_command" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_needs_command" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_needs_command" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_needs_command" -s V -l version -d 'Print version'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "login" -d 'Sign in to a connection in the browser, or keep a key for it'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "logout" -d 'End the login of a connection at the provider and forget it'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "status" -d 'Show who is signed in where, until when'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "token" -d 'Print a token that is valid now; never opens a browser'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "credential" -d 'Supply the tokens to other programs in the protocols they speak: git, docker, kubectl'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "serve" -d 'Serve the tools of the connections to an MCP host over standard input and output'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "tools" -d 'List the tools that `serve` offers'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "call" -d 'Call one tool and print what it answers'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "doctor" -d 'Find out what is wrong on this machine and how to mend it'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "config" -d 'Show or change the configuration'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "demo" -d 'Show the whole thing without any account: login, keychain, serve, calls, renewal, logout'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "sandbox" -d 'Run an authorization server and a stand-in for every backend on this machine, until Ctrl-C'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c keyward -n "__fish_keyward_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l backend -d 'What is at the address of a new connection' -r -f -a "tavily\t''
cisco\t''
smart-bonding\t''
ctera\t''
netbox\t''
documents\t''
remote\t''"
complete -c keyward -n "__fish_keyward_using_subcommand login" -l name -d 'Name for a new connection; otherwise it is named after the host' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l way -d 'Sign in in this way, now and later: one of the ways of the connection\'s backend' -r -f -a "oauth\t''
api-key\t''
bearer\t''
token\t''
client-credentials\t''
device\t''
password\t''
session\t''
ticket\t''"
complete -c keyward -n "__fish_keyward_using_subcommand login" -l trust -d 'Take this certificate of the service and no other; `sha256:` and 64 hexadecimal digits' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l header -d 'Keep the value of a secret header, for every request to the service, besides or instead of another login: asked for without echo, or read from standard input; several take one line each' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l store -d 'Keep the login there, now and later: in the keychain, or in a file encrypted with a passphrase' -r -f -a "keychain\t''
file\t''"
complete -c keyward -n "__fish_keyward_using_subcommand login" -l browser -d 'Open the page with this program; goes before `BROWSER`' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l port -d 'Wait on one of these ports, the first that is free' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l redirect-host -d 'Come back to 127.0.0.1, localhost or [::1], as the provider has it registered' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l timeout -d 'Seconds to wait for the person' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l scope -d 'Ask for these scopes besides the usual ones' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l acr -d 'Prove who you are in one of these ways, by the provider\'s names for them' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l max-age -d 'Prove who you are anew if that is longer ago than this' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l expect-user -d 'Keep the login only if this account signs in: its subject, address or name' -r
complete -c keyward -n "__fish_keyward_using_subcommand login" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand login" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand login" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand login" -l no-sso -d 'Sign in with name and password, once, also where the service offers something else'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l api-key -d 'Keep an API key: asked for without echo, or read from standard input'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l bearer -d 'Keep a bearer token: asked for without echo, or read from standard input'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l client-secret -d 'Keep the secret of the configured client first: asked for without echo, or read from standard input'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l client-key -d 'Keep the private key of the configured client first: PEM, read from standard input'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l no-browser -d 'Only print the address of the login page'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l paste -d 'Read the pasted answer from standard input also where that is no terminal'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l paste-code -d 'As `--paste`, and take a code alone, from a provider that shows one on a page'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l device -d 'Use a browser on another device, which takes a code; no browser has to reach this machine'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l wait -d 'Wait for another login of the same connection instead of giving way to it'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l dry-run -d 'Show what would be asked for; open, register and store nothing'
complete -c keyward -n "__fish_keyward_using_subcommand login" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand login" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand login" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l all -d 'Every connection that is signed in, also those that are configured no more'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l local-only -d 'Do not tell the provider: what it issued stays good there'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l forget-client -d 'Also end the client\'s registration at the provider, and forget the client with its secret or key'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l end-session -d 'Also open the provider\'s page that ends your own session there, for every program that uses it'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l no-browser -d 'Only print the address of that page'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand status" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand status" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand status" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand status" -l verify -d 'Ask the provider or the service whether the login is still accepted'
complete -c keyward -n "__fish_keyward_using_subcommand status" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand status" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand status" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand token" -l min-validity -d 'Seconds for which the token must be valid' -r
complete -c keyward -n "__fish_keyward_using_subcommand token" -l env -d 'Print a line that sets a variable in a POSIX shell; without NAME it is `<CONNECTION>_TOKEN`' -r
complete -c keyward -n "__fish_keyward_using_subcommand token" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand token" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand token" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand token" -l header -d 'Print the whole `Authorization` header line'
complete -c keyward -n "__fish_keyward_using_subcommand token" -l claims -d 'Print what the token says about itself, as JSON, instead of the token; unchecked without `--verify`'
complete -c keyward -n "__fish_keyward_using_subcommand token" -l verify -d 'Check with the issuer\'s published keys that the issuer has signed it'
complete -c keyward -n "__fish_keyward_using_subcommand token" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand token" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand token" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -f -a "git" -d 'Answer git as its credential helper'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -f -a "docker" -d 'Answer Docker as its credential helper'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -f -a "kubectl" -d 'Answer kubectl and other Kubernetes clients as their credential plugin'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubectl help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -l username -d 'The user whose password the token is, where git or the server knows no other form' -r
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from git" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from docker" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from kubectl" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from help" -f -a "git" -d 'Answer git as its credential helper'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from help" -f -a "docker" -d 'Answer Docker as its credential helper'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from help" -f -a "kubectl" -d 'Answer kubectl and other Kubernetes clients as their credential plugin'
complete -c keyward -n "__fish_keyward_using_subcommand credential; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyward -n "__fish_keyward_using_subcommand serve" -l only -d 'Only these connections' -r
complete -c keyward -n "__fish_keyward_using_subcommand serve" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand serve" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand serve" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand serve" -l read-only -d 'Only tools that change nothing; of other MCP servers those that `allow` names, too'
complete -c keyward -n "__fish_keyward_using_subcommand serve" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand serve" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand serve" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l only -d 'Only these connections' -r
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l read-only -d 'Only tools that change nothing'
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l refresh -d 'Ask the remote servers for their tools first'
complete -c keyward -n "__fish_keyward_using_subcommand tools" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand tools" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand tools" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand tools" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand call" -l arguments -d 'All arguments as one JSON object' -r
complete -c keyward -n "__fish_keyward_using_subcommand call" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand call" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand call" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand call" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand call" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand call" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -l as-host -d 'Look with the few variables and without the terminal that a host gives to its servers'
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -f -a "path" -d 'Print which file is used'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -f -a "show" -d 'Print what the configuration means, and where each value came from'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -f -a "set" -d 'Set a key: `connections.NAME.KEY`, `serve.KEY`, `login.KEY`, `network.KEY` or `audit.KEY`'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -f -a "unset" -d 'Remove a key, or a whole connection with `connections.NAME`'
complete -c keyward -n "__fish_keyward_using_subcommand config; and not __fish_seen_subcommand_from path show set unset help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Print which file is used'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print what the configuration means, and where each value came from'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "set" -d 'Set a key: `connections.NAME.KEY`, `serve.KEY`, `login.KEY`, `network.KEY` or `audit.KEY`'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "unset" -d 'Remove a key, or a whole connection with `connections.NAME`'
complete -c keyward -n "__fish_keyward_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyward -n "__fish_keyward_using_subcommand demo" -l timeout -d 'Seconds to wait for the browser' -r
complete -c keyward -n "__fish_keyward_using_subcommand demo" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand demo" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand demo" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand demo" -l no-browser -d 'Do not open a browser: the demo allows the request by itself'
complete -c keyward -n "__fish_keyward_using_subcommand demo" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand demo" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand demo" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l port -d 'The port on 127.0.0.1; any free one if absent' -r
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l access-lifetime -d 'Seconds that an access token lives' -r
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l device-interval -d 'Seconds that a device waits from one poll to the next' -r
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l auto-consent -d 'Let this user allow every request without a page, for scripts' -r
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l require-par -d 'Refuse authorization requests that were not pushed first'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l require-dpop -d 'Let the resources take tokens with a proof of possession only'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l dpop-nonce -d 'Let every proof of possession need a nonce'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand sandbox" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l config -d 'Use this configuration file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l ca-file -d 'Also trust the certificate authorities in this PEM file' -r -F
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l color -d 'Colour the messages: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c keyward -n "__fish_keyward_using_subcommand completions" -l json -d 'Print one JSON object instead of text'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s q -l quiet -d 'Say only what went wrong'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s v -l verbose -d 'Say more on standard error; twice for everything'
complete -c keyward -n "__fish_keyward_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "login" -d 'Sign in to a connection in the browser, or keep a key for it'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "logout" -d 'End the login of a connection at the provider and forget it'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "status" -d 'Show who is signed in where, until when'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "token" -d 'Print a token that is valid now; never opens a browser'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "credential" -d 'Supply the tokens to other programs in the protocols they speak: git, docker, kubectl'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "serve" -d 'Serve the tools of the connections to an MCP host over standard input and output'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "tools" -d 'List the tools that `serve` offers'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "call" -d 'Call one tool and print what it answers'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "doctor" -d 'Find out what is wrong on this machine and how to mend it'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "config" -d 'Show or change the configuration'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "demo" -d 'Show the whole thing without any account: login, keychain, serve, calls, renewal, logout'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "sandbox" -d 'Run an authorization server and a stand-in for every backend on this machine, until Ctrl-C'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c keyward -n "__fish_keyward_using_subcommand help; and not __fish_seen_subcommand_from login logout status token credential serve tools call doctor config demo sandbox completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from credential" -f -a "git" -d 'Answer git as its credential helper'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from credential" -f -a "docker" -d 'Answer Docker as its credential helper'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from credential" -f -a "kubectl" -d 'Answer kubectl and other Kubernetes clients as their credential plugin'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Print which file is used'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print what the configuration means, and where each value came from'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "set" -d 'Set a key: `connections.NAME.KEY`, `serve.KEY`, `login.KEY`, `network.KEY` or `audit.KEY`'
complete -c keyward -n "__fish_keyward_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "unset" -d 'Remove a key, or a whole connection with `connections.NAME`'
