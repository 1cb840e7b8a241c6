"""Print the completion of winlogd's command line for bash: the commands, and the flags and choices of each.

All of them come from the helps of the commands. bash completes the values of all other flags as names of files.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from helps import help_texts

_FLAG: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_OPTION: Final = re.compile(r"^  (?:-\w, )?(--[a-z][a-z-]*)", re.MULTILINE)
_CHOICES: Final = re.compile(r"(--[a-z-]+) \{([\w,.-]+)\}")
_VALUES: Final = re.compile(r"^ +(--[a-z-]+) [A-Z]", re.MULTILINE)
_FORMS: Final = re.compile(r"^(?:usage:)? +winlogd (?P<command>\S+) (?P<word>[a-z]+)(?: |$)", re.MULTILINE)

_SCRIPT: Final = """\
# bash completion of winlogd
_winlogd() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=''
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words='{commands}'
    else
        case "$command $before" in
{cases}
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _winlogd winlogd
"""


def script(texts: Mapping[str, str]) -> str:
    """Return the completion, from the helps by command."""
    commands = " ".join((*filter(None, texts), *_flags(texts[""])))
    return _SCRIPT.format(commands=commands, cases="\n".join(_cases(texts)))


def _cases(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the cases of each command: after a flag with choices, after one with a value, and any other place.

    bash takes the first case that fits. After a flag with a value it has no words, and completes names of files.
    """
    for command, text in texts.items():
        if not command:
            continue
        for flag, choices in dict(_CHOICES.findall(text)).items():
            yield f"            '{command} {flag}') words='{choices.replace(',', ' ')}' ;;"
        valued = "|".join(f"'{command} {flag}'" for flag in dict.fromkeys(_VALUES.findall(text)))
        yield f"            {valued}) ;;"
        forms = [match["word"] for match in _FORMS.finditer(text) if match["command"] == command]
        if forms:
            yield f"            '{command} {command}') words='{' '.join((*dict.fromkeys(forms), *_flags(text)))}' ;;"
        yield f"            '{command} '*) words='{' '.join(_flags(text))}' ;;"


def _flags(text: str) -> list[str]:
    """Return the flags that a help lists, in its order."""
    usage, _, options = text.partition("\noptions:\n")
    found = _OPTION.findall(options.partition("\n\n")[0]) or _FLAG.findall(usage.partition("\n\n")[0])
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    sys.stdout.write(script(help_texts()))
