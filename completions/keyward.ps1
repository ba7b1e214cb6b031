# Completions of keyward for PowerShell. What may be typed says `keyward complete`; nothing of its answer is ever run.

Register-ArgumentCompleter -Native -CommandName 'keyward', 'keyward.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements |
        Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $program = Get-Command -Name keyward -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $program) { return }
    $answer = @(& $program complete "--word=$wordToComplete" -- @before 2>$null)
    if ($answer.Count -lt 2 -or $answer[0] -ne 'words') { return }
    foreach ($line in $answer[1..($answer.Count - 1)]) {
        $value, $means = $line -split "`t", 2
        if (-not $means) { $means = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $means)
    }
}
