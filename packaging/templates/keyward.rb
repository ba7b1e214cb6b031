class Keyward < Formula
  desc "@description@"
  homepage "@repository@"
  version "@version@"
  license "@license@"

  on_macos do
    on_arm do
      url "@address_aarch64_apple_darwin@"
      sha256 "@sum_aarch64_apple_darwin@"
    end
    on_intel do
      url "@address_x86_64_apple_darwin@"
      sha256 "@sum_x86_64_apple_darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@address_aarch64_unknown_linux_musl@"
      sha256 "@sum_aarch64_unknown_linux_musl@"
    end
    on_intel do
      url "@address_x86_64_unknown_linux_musl@"
      sha256 "@sum_x86_64_unknown_linux_musl@"
    end
  end

  def install
    bin.install "keyward"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/keyward.bash" => "keyward"
    zsh_completion.install "completions/_keyward"
    fish_completion.install "completions/keyward.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/keyward --version")
    assert_match "keyward_status", shell_output("#{bin}/keyward tools --json")
  end
end
