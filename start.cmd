@echo off
rem Opens the course when you double-click on it. In a terminal, `.\start.cmd check` and so on work.
setlocal
pushd "%~dp0"
if not exist start.py goto incomplete
for %%p in ("py -3" python python3) do (
    rem A Python that answers, and not the Store's placeholder.
    %%~p -c "exit(9)" >nul 2>nul
    if errorlevel 9 if not errorlevel 10 (
        %%~p start.py %*
        goto end
    )
)
echo There is no Python on this computer, or Windows does not find it.
echo Install Python 3.13 from python.org ("Windows installer (64-bit)"),
echo then double-click on start.cmd again. More about Windows: docs\windows.md
goto end
:incomplete
echo The course is not in this folder. Unpack the whole archive first (right-click on it,
echo Extract All), then double-click on start.cmd in the new folder.
:end
popd
pause
