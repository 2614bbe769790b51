<?php

namespace App\Http\Controllers;

class NoteController extends Controller
{
    public function destroy(Request $request, string $id)
    {
        $request->user()->notes()->findOrFail($id)->delete();
        return back();
    }
}

class TagController extends Controller
{
    public function destroy(Request $request, string $id)
    {
        $request->user()->tags()->findOrFail($id)->delete();
        return back();
    }
}
